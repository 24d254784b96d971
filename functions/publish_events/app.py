"""The table's stream: what happened to codes and days becomes events: kept, queued, announced."""

from typing import TYPE_CHECKING, Any

from o2o.entry import wiring
from o2o.entry.observability import instrument
from o2o.entry.observe_events import count_published, count_unmade
from o2o.entry.stream_batch import each_record

if TYPE_CHECKING:
    from o2o.usecases.publish_events import Published

publish = wiring.publish_events()
read_change = wiring.change_reader()
read_closed = wiring.closed_reader()
read_order_number = wiring.order_number_reader()


@instrument
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Keep the events in order, then hand on what was kept, whatever became of the rest."""
    published: list[Published] = []

    def keep(record: dict[str, Any]) -> None:
        change = read_change(record)
        if change is not None:
            published.extend(publish.keep(change))
        closed = read_closed(record)
        if closed is not None:
            published.append(publish.keep_closed(closed))

    def give_up(record: dict[str, Any]) -> None:
        order_number = read_order_number(record)
        if order_number is not None:
            publish.give_up(order_number)
        count_unmade(order_number)

    answer = each_record(event, keep, give_up)
    count_published(published, publish.hand_on([each.record for each in published]))
    return answer
