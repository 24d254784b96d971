"""The table's stream: what happened to codes becomes events, in the store and on the bus."""

from typing import Any

from o2o.entry import wiring
from o2o.entry.observability import instrument
from o2o.entry.observe_events import count_published
from o2o.entry.stream_batch import each_record

publish = wiring.publish_events()
read_change = wiring.change_reader()


@instrument
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publish in order; from the first record that fails on, the stream brings them again."""

    def one(record: dict[str, Any]) -> None:
        change = read_change(record)
        if change is not None:
            count_published(publish(change))

    return each_record(event, one)
