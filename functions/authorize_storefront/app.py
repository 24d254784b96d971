"""The API's door: an API key in, a storefront's id out."""

from typing import Any

from o2o.entry import wiring
from o2o.entry.authorizer import answer, authorization
from o2o.entry.observability import instrument

authorize = wiring.authorize_storefront()


@instrument
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Allow the key's storefront, or deny."""
    return answer(event, authorize(authorization(event)))
