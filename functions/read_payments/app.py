"""GET /payments."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from o2o.core import payments_csv
from o2o.core.channels import Channel
from o2o.core.codes import PaymentKind
from o2o.entry import wiring
from o2o.entry.http import Api
from o2o.entry.models.payments import ListedPayments
from o2o.entry.models.text import Day, Instant
from o2o.usecases.read_payments import PaymentFilter, Resolved

api = Api()
read = wiring.read_payments()

CSV = "text/csv"


@api.routes.get("/payments")
def list_all_payments(  # noqa: PLR0913, PLR0917 - one for each filter
    paid_from: Annotated[Day | None, Query(description="A day in WIB.")] = None,
    paid_to: Annotated[Day | None, Query(description="A day in WIB, included.")] = None,
    recorded_from: Annotated[Instant | None, Query()] = None,
    recorded_to: Annotated[Instant | None, Query()] = None,
    channel: Annotated[Channel | None, Query()] = None,
    kind: Annotated[PaymentKind | None, Query()] = None,
    certain: Annotated[bool | None, Query()] = None,
    resolution: Annotated[
        Resolved | None, Query(description="`open`: calls for a person, and nobody resolved it.")
    ] = None,
    amount: Annotated[int | None, Query(ge=1, le=999_999_999_999)] = None,
    store_id: Annotated[str | None, Query(min_length=1, max_length=128)] = None,
    receipt_number: Annotated[str | None, Query(min_length=1, max_length=128)] = None,
    payment_code: Annotated[str | None, Query(pattern=r"^[0-9]{1,20}$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> Response[ListedPayments | str]:
    """The storefront's payments, newest first, or those that a receipt or digits lead to."""
    wanted = PaymentFilter(
        paid_from=paid_from,
        paid_to=paid_to,
        recorded_from=recorded_from,
        recorded_to=recorded_to,
        channel=channel,
        kind=kind,
        certain=certain,
        resolution=resolution,
        amount=amount,
        store_id=store_id,
        receipt_number=receipt_number,
        payment_code=payment_code,
    )
    page = read.many(api.storefront_id, wanted, limit=limit, cursor=cursor)
    if api.prefers(CSV):
        return Response(
            status_code=200,
            content_type=f"{CSV}; charset=utf-8; header=present",
            headers={"Next-Cursor": page.next_cursor} if page.next_cursor else {},
            body=payments_csv.write([payments_csv.COLUMNS, *map(payments_csv.row, page.items)]),
        )
    return Response(status_code=200, content_type="application/json", body=ListedPayments.of(page))


lambda_handler = api.handler()
