"""The composition root: which adapters the use cases run on.

A function imports the adapters of its own use case only, so each import stands in the
builder that needs it. Builders run while the function starts; nothing secret is read and
nothing is drawn by chance before the first event, because a snapshot may be taken between.
"""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config

from o2o.adapters.system import SystemEntropy, system_clock
from o2o.entry.settings import (
    BrowseEventsSettings,
    DeliverSettings,
    DokuSettings,
    ExplainSettings,
    GenerateSettings,
    InquirySettings,
    LifeSettings,
    PublishSettings,
    ReceiveSettings,
    Settings,
    ShowSettings,
    SweepSettings,
)

if TYPE_CHECKING:
    from o2o.adapters.doku.client import DokuClient
    from o2o.adapters.doku.inbox import Inbox
    from o2o.adapters.dynamodb.events import DynamoEventStore
    from o2o.adapters.dynamodb.ledger import DynamoLedger
    from o2o.adapters.dynamodb.notifications import DynamoNotificationBox
    from o2o.adapters.dynamodb.registry import DynamoRegistry
    from o2o.adapters.dynamodb.store import Store
    from o2o.adapters.secrets import SecretCredentials
    from o2o.adapters.signing import Signing
    from o2o.usecases.answer_inquiry import AnswerInquiry
    from o2o.usecases.cancel import CancelCode
    from o2o.usecases.deliver import DeliverEvent
    from o2o.usecases.endpoints import Endpoints
    from o2o.usecases.event_ports import Change
    from o2o.usecases.events import BrowseEvents
    from o2o.usecases.explain import ExplainPayment
    from o2o.usecases.generate import GenerateCode
    from o2o.usecases.publish import PublishEvents
    from o2o.usecases.read import ReadCodes
    from o2o.usecases.receive import ReceiveNotification
    from o2o.usecases.reconcile import Reconcile, ReconcileCode
    from o2o.usecases.settle import Settle
    from o2o.usecases.show import ShowCode
    from o2o.usecases.storefronts import AuthorizeStorefront
    from o2o.usecases.sweep import Sweep
    from o2o.usecases.unmatched import Unmatched

_now: Callable[[], datetime] = system_clock

NOTIFICATION_ROUTE = "/doku/notifications"
INQUIRY_ROUTE = "/doku/inquiries"


def use_clock(now: Callable[[], datetime]) -> None:
    """Take the time from elsewhere: for the local stack and tests, which can move it."""
    global _now  # noqa: PLW0603 - the one clock of the process
    _now = now


def clock() -> datetime:
    """Now, by whichever clock is in use."""
    return _now()


SomeSettings = TypeVar("SomeSettings", bound=Settings)


def settings(kind: type[SomeSettings]) -> SomeSettings:
    """This function's settings. Raises InvalidConfiguration."""
    return kind.from_env(os.environ)


def authorize_storefront() -> "AuthorizeStorefront":
    """Wire ``authorize_storefront``."""
    from o2o.usecases.storefronts import AuthorizeStorefront

    return AuthorizeStorefront(registry=_registry(settings(Settings)))


def generate_code() -> "GenerateCode":
    """Wire ``generate_code``."""
    from o2o.usecases.generate import GenerateCode

    of = settings(GenerateSettings)
    return GenerateCode(
        ledger=_ledger(of),
        doku=_doku(of),
        clock=clock,
        entropy=SystemEntropy(),
        channels=of.channels,
        bins=of.bins,
        timetable=of.timetable,
        page_token=_signing(of.signing_secret_name).page_token,
    )


def read_codes() -> "ReadCodes":
    """Wire ``read_codes``."""
    from o2o.usecases.read import ReadCodes

    return ReadCodes(ledger=_ledger(settings(Settings)))


def cancel_code() -> "CancelCode":
    """Wire ``cancel_code``."""
    from o2o.usecases.cancel import CancelCode

    of = settings(LifeSettings)
    return CancelCode(ledger=_ledger(of), clock=clock, timetable=of.timetable)


def reconcile_code() -> "ReconcileCode":
    """Wire ``refresh_code``."""
    from o2o.usecases.reconcile import ReconcileCode

    of = settings(DokuSettings)
    return ReconcileCode(
        ledger=_ledger(of),
        doku=_doku(of),
        settle=_settle(of),
        clock=clock,
        timetable=of.timetable,
    )


def reconcile() -> "Reconcile":
    """Wire ``reconcile_codes``."""
    from o2o.usecases.reconcile import MatchNotification, Reconcile

    of = settings(DokuSettings)
    return Reconcile(
        reconcile_code=reconcile_code(),
        match_notification=MatchNotification(
            inbox=_inbox(of.doku_secret_name, ""),
            box=_notification_box(of),
            settle=_settle(of),
            clock=clock,
            timetable=of.timetable,
        ),
    )


def receive_notification() -> "ReceiveNotification":
    """Wire ``receive_notification``."""
    from o2o.usecases.receive import ReceiveNotification

    of = settings(ReceiveSettings)
    return ReceiveNotification(
        inbox=_inbox(of.doku_secret_name, of.public_path + NOTIFICATION_ROUTE),
        settle=_settle(of),
        box=_notification_box(of),
        clock=clock,
        timetable=of.timetable,
    )


def answer_inquiry() -> "AnswerInquiry":
    """Wire ``answer_inquiry``."""
    from o2o.usecases.answer_inquiry import AnswerInquiry

    of = settings(InquirySettings)
    return AnswerInquiry(
        inbox=_inbox(of.doku_secret_name, of.public_path + INQUIRY_ROUTE),
        ledger=_ledger(of),
        clock=clock,
    )


def explain_payment() -> "ExplainPayment":
    """Wire ``explain_payment``."""
    from o2o.adapters.doku.how_to_pay import HowToPayApi
    from o2o.usecases.explain import ExplainPayment

    of = settings(ExplainSettings)
    return ExplainPayment(ledger=_ledger(of), source=HowToPayApi(of.doku_base_url))


def show_code() -> "ShowCode":
    """Wire ``show_code``."""
    from o2o.usecases.show import ShowCode

    of = settings(ShowSettings)
    signing = _signing(of.signing_secret_name)
    return ShowCode(
        ledger=_ledger(of),
        registry=_registry(of),
        clock=clock,
        page_token=signing.page_token,
        read_page_token=signing.read_page_token,
    )


def sweep() -> "Sweep":
    """Wire ``expire_codes``."""
    from o2o.adapters.queue import SqsWorkQueue
    from o2o.usecases.sweep import Sweep

    of = settings(SweepSettings)
    return Sweep(
        agenda=_ledger(of),
        queue=SqsWorkQueue(_client("sqs"), of.reconcile_queue_url),
        clock=clock,
    )


def sweep_events() -> "Sweep":
    """Wire ``expire_codes``, for events."""
    from o2o.adapters.queue import SqsWorkQueue
    from o2o.usecases.sweep import Sweep

    of = settings(SweepSettings)
    return Sweep(
        agenda=_events(of),
        queue=SqsWorkQueue(_client("sqs"), of.webhook_queue_url),
        clock=clock,
    )


def publish_events() -> "PublishEvents":
    """Wire ``publish_events``."""
    from o2o.adapters.bus import EventBridgeBus
    from o2o.entry.models_events import render
    from o2o.usecases.publish import PublishEvents

    of = settings(PublishSettings)
    return PublishEvents(
        events=_events(of),
        bus=EventBridgeBus(_client("events"), of.event_bus_name),
        render=render,
        keep_for=of.event_retention_days,
    )


def read_change(record: Mapping[str, Any]) -> "Change | None":
    """The write of a code in a record of the table's stream, or None: it is none."""
    from o2o.adapters.dynamodb.events import read_change

    return read_change(record)


def deliver_event() -> "DeliverEvent":
    """Wire ``deliver_webhooks``."""
    from o2o.adapters.dynamodb.events import DynamoEndpointStore
    from o2o.adapters.queue import SqsDeadLetters
    from o2o.adapters.webhooks import WebhookCourier
    from o2o.usecases.deliver import DeliverEvent

    of = settings(DeliverSettings)
    return DeliverEvent(
        events=_events(of),
        endpoints=DynamoEndpointStore(_store(of)),
        courier=WebhookCourier(
            clock=clock,
            timeout_seconds=of.webhook_timeout_seconds,
            allow_local=of.webhook_allow_local,
        ),
        dead_letters=SqsDeadLetters(_client("sqs"), of.webhook_dead_letter_queue_url),
        secret_of=_signing(of.signing_secret_name).webhook_secret,
        clock=clock,
        entropy=SystemEntropy(),
        timetable=of.webhook_retry_minutes,
    )


def browse_events() -> "BrowseEvents":
    """Wire ``browse_events``."""
    from o2o.adapters.queue import SqsWorkQueue
    from o2o.usecases.events import BrowseEvents

    of = settings(BrowseEventsSettings)
    return BrowseEvents(
        events=_events(of),
        queue=SqsWorkQueue(_client("sqs"), of.webhook_queue_url),
        clock=clock,
    )


def endpoints() -> "Endpoints":
    """Wire the commands about endpoints, in the environment of whoever delivers and browses."""
    from o2o.adapters.dynamodb.events import DynamoEndpointStore
    from o2o.adapters.webhooks import WebhookCourier
    from o2o.usecases.endpoints import Endpoints

    of = settings(DeliverSettings)
    return Endpoints(
        endpoints=DynamoEndpointStore(_store(of)),
        registry=_registry(of),
        courier=WebhookCourier(
            clock=clock,
            timeout_seconds=of.webhook_timeout_seconds,
            allow_local=of.webhook_allow_local,
        ),
        secret_of=_signing(of.signing_secret_name).webhook_secret,
        browse=browse_events(),
        clock=clock,
    )


def unmatched() -> "Unmatched":
    """Wire the commands about kept notifications, in the environment of ``reconcile_codes``."""
    from o2o.usecases.unmatched import Unmatched

    of = settings(DokuSettings)
    return Unmatched(
        inbox=_inbox(of.doku_secret_name, ""),
        box=_notification_box(of),
        settle=_settle(of),
        clock=clock,
    )


@cache
def _client(service: str) -> Any:
    # A call that hangs must not eat the time of the answer: a cashier may be waiting for it.
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    return boto3.session.Session().client(service, config=config)  # type: ignore[call-overload]


def _store(of: Settings) -> "Store":
    from o2o.adapters.dynamodb.store import Store
    from o2o.adapters.dynamodb.table import Retention

    retention = (
        Retention(codes=of.code_retention_days, evidence=of.evidence_retention_days)
        if isinstance(of, LifeSettings)
        else None
    )
    return Store(_client("dynamodb"), of.table_name, retention)


def _ledger(of: Settings) -> "DynamoLedger":
    from o2o.adapters.dynamodb.ledger import DynamoLedger

    return DynamoLedger(_store(of))


def _notification_box(of: Settings) -> "DynamoNotificationBox":
    from o2o.adapters.dynamodb.notifications import DynamoNotificationBox

    return DynamoNotificationBox(_store(of))


def _events(of: Settings) -> "DynamoEventStore":
    from o2o.adapters.dynamodb.events import DynamoEventStore

    return DynamoEventStore(_store(of))


def _registry(of: Settings) -> "DynamoRegistry":
    from o2o.adapters.dynamodb.registry import DynamoRegistry

    return DynamoRegistry(_store(of))


def _settle(of: LifeSettings) -> "Settle":
    from o2o.usecases.settle import Settle

    return Settle(ledger=_ledger(of), clock=clock, timetable=of.timetable)


@cache
def _credentials(secret_name: str) -> "SecretCredentials":
    from o2o.adapters.secrets import SecretCredentials

    return SecretCredentials(_client("secretsmanager"), secret_name)


@cache
def _signing(secret_name: str) -> "Signing":
    from o2o.adapters.signing import Signing

    return Signing(_client("secretsmanager"), secret_name)


def _doku(of: DokuSettings) -> "DokuClient":
    from o2o.adapters.doku.client import DokuClient, TimeLimits

    return DokuClient(
        base_url=of.doku_base_url,
        paths=of.paths,
        credentials=_credentials(of.doku_secret_name),
        clock=clock,
        entropy=SystemEntropy(),
        limits=TimeLimits(total=of.doku_timeout_seconds),
        notification_url=of.override_notification_url,
    )


def _inbox(secret_name: str, target: str) -> "Inbox":
    from o2o.adapters.doku.inbox import Inbox

    return Inbox(credentials=_credentials(secret_name), target=target, clock=clock)
