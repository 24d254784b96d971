"""GET /openapi.json, /docs and /problems/{slug}: the API about itself."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from o2o.entry import describe_api, wiring
from o2o.entry.http import Api
from o2o.entry.settings import DescribeSettings

api = Api(any_query=True)
settings = wiring.read_settings(DescribeSettings)


@api.routes.get("/openapi.json")
def get_openapi() -> Response[str]:
    """The OpenAPI document of this API."""
    return describe_api.openapi(api.public_url(settings.public_url))


@api.routes.get("/docs")
def get_reference() -> Response[str]:
    """The same as a page to browse."""
    return describe_api.reference(api.public_url(settings.public_url), api.called_path)


@api.routes.get("/problems/<slug>")
def get_problem_type(slug: Annotated[str, Path(min_length=1, max_length=64)]) -> Response[str]:
    """What a problem type means and what to do about it, as a page.

    Every problem's ``type`` is such an address.
    """
    return describe_api.problem(slug, api.called_path)


lambda_handler = api.handler()
