"""The API's door: an API key in, a storefront and what counts its requests out."""

from typing import Any

from o2o.entry import wiring
from o2o.entry.authorizer import answer, authorization
from o2o.entry.observability import instrument
from o2o.entry.settings import AuthorizeSettings

authorize = wiring.authorize_storefront()
settings = wiring.read_settings(AuthorizeSettings)


@instrument
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Allow the key's storefront, or deny."""
    return answer(event, authorize(authorization(event)), settings)
