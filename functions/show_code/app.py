"""GET /pay/{token}: the customer's page, and its status."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import BeforeValidator

from o2o.core.errors import NotFound
from o2o.entry import wiring
from o2o.entry.http import Api
from o2o.entry.models.page import PageStatusView
from o2o.entry.page.address import read_token, way_to_others
from o2o.entry.page.language import choose_language
from o2o.entry.page.render import CONTENT_TYPE, Html, render, render_missing

api = Api(any_query=True)
show = wiring.show_code()

Token = Annotated[str, Path(description="What opens the page: the end of `pay_url`.")]


def _join(values: Any) -> Any:
    """A parameter that stands in the address twice is a list, and no reason to refuse it."""
    return ",".join(map(str, values)) if isinstance(values, list) else values


Lang = Annotated[
    str | None,
    BeforeValidator(_join),
    Query(description="`id` or `en`; otherwise `Accept-Language` decides, then Indonesian."),
]


@api.routes.get("/pay/<token>")
def get_page(token: Token, lang: Lang = None) -> Response[str]:
    """The page that a customer opens on the way to the store, as HTML."""
    language = choose_language(lang, api.header("Accept-Language"))
    way = way_to_others(api.called_path)
    try:
        return _answer(200, render(show(read_token(token)), language, way))
    except NotFound:
        return _answer(404, render_missing(language))


@api.routes.head("/pay/<token>")
def head_page(token: Token, lang: Lang = None) -> Response[str]:
    """The same without the body, to check a link."""
    return get_page(token, lang)


@api.routes.get("/pay/<token>/status")
def get_page_status(token: Token) -> Response[PageStatusView]:
    """Whether the page is still up to date, for itself to ask."""
    return Response(
        status_code=200,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
        body=PageStatusView.of(show.status(read_token(token))),
    )


def _answer(status: int, page: Html) -> Response[str]:
    return Response(
        status_code=status,
        content_type=CONTENT_TYPE,
        headers=dict(page.headers),
        body="" if api.routes.current_event.http_method == "HEAD" else page.body,
    )


lambda_handler = api.handler()
