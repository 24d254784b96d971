"""What Hypothesis does: the same examples in every run of the gate, new and many more at night."""

from hypothesis import HealthCheck, Phase, settings

_GATE = "gate"
_NIGHTLY = "nightly"
_MUTANTS = "mutants"
_TIMES = 25
"""So many examples at night for one in the gate."""
_DEFAULT = 100
"""Hypothesis's own number for a test that names none."""


def register() -> None:
    """Load the gate's profile; ``--hypothesis-profile`` loads another one after it.

    Neither looks at a watch: a machine may be slow. Neither reads what an earlier run has left; a
    night that finds something prints the line that finds it again.
    """
    steady = settings(
        database=None,
        deadline=None,
        max_examples=_DEFAULT,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.register_profile(_GATE, steady, derandomize=True)
    settings.register_profile(
        _NIGHTLY, steady, derandomize=False, print_blob=True, max_examples=_DEFAULT * _TIMES
    )
    # That a test fails is all that is asked there, not how little it takes.
    settings.register_profile(
        _MUTANTS, steady, derandomize=True, phases=[Phase.explicit, Phase.generate, Phase.target]
    )
    settings.load_profile(_GATE)


def examples(number: int) -> int:
    """So many examples in the gate, and many times more at night."""
    return number * _TIMES if settings.get_current_profile_name() == _NIGHTLY else number
