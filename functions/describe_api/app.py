"""GET /openapi.json, /docs and /problems/{slug}: the API about itself."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from o2o.entry import reference, wiring
from o2o.entry.http import Api
from o2o.entry.settings import DescribeSettings

api = Api()
of = wiring.settings(DescribeSettings)


@api.routes.get("/openapi.json")
def get_openapi() -> Response[str]:
    """The OpenAPI document of this API."""
    return reference.openapi(api.public_url(of.public_url, of.public_path))


@api.routes.get("/docs")
def get_reference() -> Response[str]:
    """The same as a page to browse."""
    return reference.browsable(api.public_url(of.public_url, of.public_path))


@api.routes.get("/problems/<slug>")
def get_problem_type(slug: Annotated[str, Path(min_length=1, max_length=64)]) -> Response[str]:
    """What a problem type means and what to do about it, as a page.

    Every problem's ``type`` is such an address.
    """
    return reference.problem(slug)


lambda_handler = api.handler()
