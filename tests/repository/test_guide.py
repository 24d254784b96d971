"""docs/integration.md: it names every event and every example, and its event is one."""

import json
import re
from pathlib import Path

from o2o.core.events import EventType
from o2o.entry.models.events import WebhookPayload

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "integration.md").read_text("utf-8")


def test_every_event_has_its_consequence() -> None:
    _, _, below = TEXT.partition("## 4. Fulfil the order")
    section, _, _ = below.partition("\n## ")
    assert set(re.findall(r"`((?:payment(?:_code)?|books)\.\w+)`", section)) == set(EventType)


def test_every_example_is_shown() -> None:
    examples = ROOT / "docs" / "examples"
    # Those of a mapping file are the operator's, in docs/settlement.md.
    shops = [path for path in examples.glob("*/*.*") if path.parent.name != "settlement"]
    files = {path.relative_to(ROOT / "docs").as_posix() for path in shops}
    assert files == set(re.findall(r"\]\((examples/[^)]+)\)", TEXT))


def test_the_event_is_a_shortened_one() -> None:
    (text,) = re.findall(r"```json\n(.+?)```", TEXT, re.DOTALL)
    shown = json.loads(text)
    schema = WebhookPayload.model_json_schema(mode="serialization")
    assert list(shown) == list(schema["properties"])
    data = schema["$defs"]["EventData"]["properties"]
    assert set(shown["data"]) < set(data)
    assert list(shown["data"]["payment"]) == list(schema["$defs"]["EventPaymentView"]["properties"])
    assert re.fullmatch(r"evt_[0-9a-f]{32}", shown["id"])
    assert shown["type"] in set(EventType)
