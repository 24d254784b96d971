"""What survives of a tool's mutants is told by its function and its lines, and judged once."""

from tools import mutate
from tools.mutants import ROOT
from tools.mutate import Survivor

SHOWN = """# o2o.core.codes.xǁPaymentCodeǁmove__mutmut_3: survived
--- o2o/core/codes.py
+++ o2o/core/codes.py
@@ -1,5 +1,5 @@
 def move(self, move, **changes):
-        return replace(self, version=self.version + 1)
+        return replace(self, version=self.version + 2)
"""

RESULTS = """
    o2o.core.wib.x_end_of_day__mutmut_1: killed
    o2o.core.wib.x_end_of_day__mutmut_2: survived
    o2o.core.wib.x_end_of_day__mutmut_3: not checked
"""


def test_a_survivor_is_a_function_and_its_lines() -> None:
    old, new = (f"return replace(self, version=self.version + {number})" for number in (1, 2))
    assert mutate.read_diff(SHOWN) == Survivor("codes.PaymentCode.move", old, new)
    plain = SHOWN.replace("xǁPaymentCodeǁmove", "x__end")
    assert mutate.read_diff(plain).function == "codes._end"


def test_what_was_not_asked_for_is_no_result() -> None:
    assert mutate.read_results(RESULTS) == {
        "killed": ["o2o.core.wib.x_end_of_day__mutmut_1"],
        "survived": ["o2o.core.wib.x_end_of_day__mutmut_2"],
    }


def test_every_judged_survivor_stands_in_the_code_with_its_reason() -> None:
    entries = mutate.read_judged(ROOT / mutate.JUDGED)
    for survivor, why in entries.items():
        module = survivor.function.partition(".")[0]
        text = (ROOT / f"layers/shared/o2o/core/{module}.py").read_text("utf-8")
        lines = [line.strip() for line in text.splitlines()]
        assert set(survivor.old.splitlines()) <= set(lines), survivor
        assert why.endswith("."), survivor


def test_the_tests_that_judge_exist() -> None:
    assert [name for name in mutate.TESTS if not (ROOT / name).exists()] == []
