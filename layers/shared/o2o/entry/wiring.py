"""The composition root: which adapters the use cases run on, one builder for each capability.

A function imports the adapters of its own use case only, so each import stands in the
builder that needs it. Builders run while the function starts; nothing secret is read and
nothing is drawn by chance before the first event, because a snapshot may be taken between.
"""

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config
from botocore.session import Session, get_session

from o2o.adapters import aws
from o2o.adapters.system import SystemEntropy, system_clock
from o2o.core.errors import NotConfiguredYet
from o2o.entry import snapshot
from o2o.entry.observability import Handler, log_failure, log_unprimed
from o2o.entry.settings import (
    BrowseEventsSettings,
    CloseBooksSettings,
    ExpireSettings,
    PublishSettings,
    Settings,
)

if TYPE_CHECKING:
    from o2o.adapters.archive import S3MessageArchive
    from o2o.adapters.doku.credentials import DokuCredentials
    from o2o.adapters.doku.inbox import Inbox
    from o2o.adapters.dynamodb.codes import DynamoCodeStore
    from o2o.adapters.dynamodb.events import DynamoEventStore
    from o2o.adapters.dynamodb.notifications import DynamoNotificationStore
    from o2o.adapters.dynamodb.payments import DynamoPaymentStore
    from o2o.adapters.dynamodb.store import Store
    from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
    from o2o.adapters.dynamodb.upgrade import Upgrade
    from o2o.adapters.queue import SqsWorkQueue
    from o2o.adapters.secrets import SecretCredentials
    from o2o.adapters.signing import Signing, WebhookRoots
    from o2o.adapters.webhook_sender import HttpsWebhookSender
    from o2o.core.closed_days import ClosedDay
    from o2o.core.events import Change
    from o2o.entry.settings.codes import DokuSettings, LifeSettings, ReconcileSettings
    from o2o.entry.settings.webhooks import DeliverSettings
    from o2o.usecases.answer_inquiry import AnswerInquiry
    from o2o.usecases.authorize_storefront import AuthorizeStorefront
    from o2o.usecases.browse_events import BrowseEvents
    from o2o.usecases.cancel_code import CancelCode
    from o2o.usecases.close_books import CloseBooks
    from o2o.usecases.deliver_webhooks import DeliverWebhooks
    from o2o.usecases.expire_codes import ExpireCodes
    from o2o.usecases.explain_payment import ExplainPayment
    from o2o.usecases.forget_codes import ForgetCodes
    from o2o.usecases.generate_code import GenerateCode
    from o2o.usecases.manage_endpoints import ManageEndpoints
    from o2o.usecases.match_settlement import MatchSettlement
    from o2o.usecases.ports import Clock, Doku
    from o2o.usecases.publish_events import PublishEvents
    from o2o.usecases.read_books import ReadBooks
    from o2o.usecases.read_codes import ReadCodes
    from o2o.usecases.read_payments import ReadPayments
    from o2o.usecases.receive_notification import ReceiveNotification
    from o2o.usecases.reconcile import Reconcile
    from o2o.usecases.reconcile_codes import ReconcileCodes
    from o2o.usecases.record_message import RecordMessage
    from o2o.usecases.refresh_code import RefreshCode
    from o2o.usecases.release_digits import ReleaseDigits
    from o2o.usecases.replay_archive import ReplayArchive
    from o2o.usecases.republish_events import RepublishEvents
    from o2o.usecases.resolve_notifications import ResolveNotifications
    from o2o.usecases.resolve_payment import ResolvePayment
    from o2o.usecases.settle import Settle
    from o2o.usecases.show_code import ShowCode

_now: Callable[[], datetime] = system_clock
_ages: Callable[[], float] = time.monotonic


def use_clock(now: Callable[[], datetime], ages: Callable[[], float] = time.monotonic) -> None:
    """Take the time from elsewhere: for the local stack and tests, which can move it.

    This is business time. What is signed for a program outside keeps the machine's. ``ages`` are
    the seconds by which secrets that were read grow old.
    """
    global _now, _ages
    _now, _ages = now, ages


def clock() -> datetime:
    """Now, in business time: by whichever clock is in use."""
    return _now()


SomeSettings = TypeVar("SomeSettings", bound=Settings)


def read_settings(kind: type[SomeSettings]) -> SomeSettings:
    """This function's settings, from its environment. Raises InvalidConfiguration."""
    return kind.from_env(os.environ)


def forget_clients() -> None:
    """Make all clients anew: for commands, tools and tests, which change the environment."""
    for cached in (_client, _patient_client, _session, _credentials, _signing):
        cached.cache_clear()


# --- One builder for each function --------------------------------------------------------


def authorize_storefront() -> "AuthorizeStorefront":
    """Wire ``authorize_storefront``."""
    from o2o.usecases.authorize_storefront import AuthorizeStorefront

    return AuthorizeStorefront(storefronts=_storefronts(read_settings(Settings)))


def generate_code() -> "GenerateCode":
    """Wire ``generate_code``."""
    from o2o.entry.settings.codes import GenerateSettings
    from o2o.usecases.generate_code import GenerateCode

    settings = read_settings(GenerateSettings)
    return GenerateCode(
        codes=_codes(settings),
        doku=_doku(settings),
        clock=clock,
        entropy=SystemEntropy(),
        channels=settings.channels,
        bins=settings.bins,
        timetable=settings.timetable,
        report_columns=settings.report_columns,
        page_token=_signing(settings.signing_secret_name).page_token,
    )


def read_codes() -> "ReadCodes":
    """Wire ``read_codes``."""
    from o2o.usecases.read_codes import ReadCodes

    return ReadCodes(codes=_codes(read_settings(Settings)))


def read_payments() -> "ReadPayments":
    """Wire ``read_payments``."""
    from o2o.usecases.read_payments import ReadPayments

    return ReadPayments(payments=_payments(read_settings(Settings)))


def resolve_payment() -> "ResolvePayment":
    """Wire ``resolve_payment``."""
    from o2o.entry.settings.codes import LifeSettings
    from o2o.usecases.resolve_payment import ResolvePayment

    return ResolvePayment(codes=_codes(read_settings(LifeSettings)), clock=clock)


def cancel_code() -> "CancelCode":
    """Wire ``cancel_code``."""
    from o2o.entry.settings.codes import LifeSettings
    from o2o.usecases.cancel_code import CancelCode

    settings = read_settings(LifeSettings)
    return CancelCode(codes=_codes(settings), clock=clock, timetable=settings.timetable)


def refresh_code() -> "RefreshCode":
    """Wire ``refresh_code``."""
    from o2o.entry.settings.codes import ReconcileSettings
    from o2o.usecases.refresh_code import RefreshCode

    settings = read_settings(ReconcileSettings)
    return RefreshCode(codes=_codes(settings), reconcile=_reconcile(settings))


def reconcile_codes() -> "ReconcileCodes":
    """Wire ``reconcile_codes``."""
    from o2o.entry.settings.codes import ReconcileSettings
    from o2o.usecases.reconcile_codes import ReconcileCodes

    settings = read_settings(ReconcileSettings)
    return ReconcileCodes(
        codes=_codes(settings),
        notifications=_notifications(settings),
        inbox=_inbox(settings.doku_secret_name),
        reconcile=_reconcile(settings),
        settle=_settle(settings),
        clock=clock,
        timetable=settings.timetable,
        retention=settings.retention,
    )


def receive_notification() -> "ReceiveNotification":
    """Wire ``receive_notification``."""
    from o2o.entry.observe_notifications import count_received
    from o2o.entry.settings.codes import ReceiveSettings
    from o2o.usecases.receive_notification import ReceiveNotification

    settings = read_settings(ReceiveSettings)
    return ReceiveNotification(
        inbox=_inbox(settings.doku_secret_name),
        record=_record(settings, clock),
        archive=_archive(settings.archive_bucket_name),
        observe=count_received,
        clock=clock,
    )


def answer_inquiry() -> "AnswerInquiry":
    """Wire ``answer_inquiry``."""
    from o2o.entry.settings.codes import InboxSettings
    from o2o.usecases.answer_inquiry import AnswerInquiry

    settings = read_settings(InboxSettings)
    return AnswerInquiry(
        inbox=_inbox(settings.doku_secret_name),
        codes=_codes(settings),
        clock=clock,
        timetable=settings.timetable,
    )


def explain_payment() -> "ExplainPayment":
    """Wire ``explain_payment``."""
    from o2o.adapters.doku.how_to_pay import HowToPayApi
    from o2o.entry.settings.codes import ExplainSettings
    from o2o.usecases.explain_payment import ExplainPayment

    settings = read_settings(ExplainSettings)
    return ExplainPayment(
        codes=_codes(settings),
        source=HowToPayApi(settings.doku_base_url),
        bins=settings.bins,
    )


def show_code() -> "ShowCode":
    """Wire ``show_code``."""
    from o2o.entry.settings.codes import ShowSettings
    from o2o.usecases.show_code import ShowCode

    settings = read_settings(ShowSettings)
    signing = _signing(settings.signing_secret_name)
    return ShowCode(
        codes=_codes(settings),
        storefronts=_storefronts(settings),
        clock=clock,
        bins=settings.bins,
        page_token=signing.page_token,
        read_page_token=signing.read_page_token,
    )


def expire_codes() -> "ExpireCodes":
    """Wire ``expire_codes``."""
    from o2o.adapters.dynamodb.due import DynamoDueIndex
    from o2o.adapters.dynamodb.table import Due
    from o2o.usecases.expire_codes import ExpireCodes, Lane

    settings = read_settings(ExpireSettings)

    def lane(lane: Due, queue_url: str) -> Lane:
        return Lane(DynamoDueIndex(_store(settings), lane), _queue(queue_url))

    return ExpireCodes(
        awaited=lane(Due.AWAITED, settings.awaited_queue_url),
        codes=lane(Due.CODES, settings.reconcile_queue_url),
        events=lane(Due.EVENTS, settings.webhook_queue_url),
        clock=clock,
    )


def publish_events() -> "PublishEvents":
    """Wire ``publish_events``."""
    from o2o.adapters.bus import EventBridgeBus
    from o2o.adapters.dynamodb.search import DynamoSearchIndex
    from o2o.entry.models.events import render
    from o2o.usecases.publish_events import PublishEvents

    settings = read_settings(PublishSettings)
    return PublishEvents(
        events=_events(settings),
        search=DynamoSearchIndex(_store(settings)),
        queue=_queue(settings.webhook_queue_url),
        bus=EventBridgeBus(_client("events"), settings.event_bus_name),
        dead_letters=_queue(settings.event_dead_letter_queue_url),
        render=render,
        keep_for=settings.event_retention_days,
        report=log_failure,
    )


def change_reader() -> "Callable[[Mapping[str, Any]], Change | None]":
    """What reads the write of a code in a record of the table's stream; None: it is none."""
    from o2o.adapters.dynamodb.stream import read_change

    return read_change


def closed_reader() -> "Callable[[Mapping[str, Any]], ClosedDay | None]":
    """What reads the book of a closed day in a record of the table's stream; None: it is none."""
    from o2o.adapters.dynamodb.stream import read_closed

    return read_closed


def order_number_reader() -> "Callable[[Mapping[str, Any]], str | None]":
    """What reads whose write a record of the table's stream is; None: no code's."""
    from o2o.adapters.dynamodb.stream import order_number

    return order_number


def deliver_webhooks() -> "DeliverWebhooks":
    """Wire ``deliver_webhooks``."""
    from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
    from o2o.adapters.queue import SqsDeadLetters
    from o2o.entry.settings.webhooks import DeliverSettings
    from o2o.usecases.deliver_webhooks import DeliverWebhooks

    settings = read_settings(DeliverSettings)
    return DeliverWebhooks(
        events=_events(settings),
        endpoints=DynamoEndpointStore(_store(settings)),
        sender=_sender(settings),
        dead_letters=SqsDeadLetters(_client("sqs"), settings.webhook_dead_letter_queue_url),
        secrets_of=_webhook_roots(settings).secrets,
        clock=clock,
        machine_clock=system_clock,
        entropy=SystemEntropy(),
        retries=settings.webhook_retry_minutes,
    )


def browse_events() -> "BrowseEvents":
    """Wire ``browse_events``."""
    from o2o.usecases.browse_events import BrowseEvents

    settings = read_settings(BrowseEventsSettings)
    return BrowseEvents(
        events=_events(settings), queue=_queue(settings.webhook_queue_url), clock=clock
    )


def close_books() -> "CloseBooks":
    """Wire ``close_books``."""
    from o2o.adapters.books import S3BooksFiles
    from o2o.adapters.doku.archived import DokuArchiveReader
    from o2o.adapters.dynamodb.books import DynamoBooksStore
    from o2o.adapters.dynamodb.payments import DynamoPaymentStore
    from o2o.usecases.close_books import CloseBooks
    from o2o.usecases.explain_messages import ExplainMessages
    from o2o.usecases.read_day import ReadDay

    settings = read_settings(CloseBooksSettings)
    # Whoever closes the books needs none of DOKU's keys: what is in the archive was checked.
    reader = DokuArchiveReader(_no_credentials)
    payments = DynamoPaymentStore(_store(settings))
    s3 = _patient_client("s3")
    return CloseBooks(
        books=DynamoBooksStore(_store(settings)),
        files=S3BooksFiles(s3, settings.books_bucket_name),
        storefronts=_storefronts(settings),
        payments=payments,
        read_day=ReadDay(
            codes=_codes(settings),
            payments=payments,
            events=_events(settings),
            keep_events_for=settings.event_retention_days,
        ),
        explain_messages=ExplainMessages(
            codes=_codes(settings),
            notifications=_notifications(settings),
            archive=_archive(settings.archive_bucket_name, s3),
            reader=reader,
        ),
        clock=clock,
    )


def _no_credentials(*, refresh: bool = False) -> "DokuCredentials":
    raise NotConfiguredYet(f"DOKU's keys are not read here, refresh={refresh}")


def read_books() -> "ReadBooks":
    """Wire ``read_books``."""
    from o2o.adapters.dynamodb.books import DynamoBooksStore
    from o2o.usecases.read_books import ReadBooks

    return ReadBooks(books=DynamoBooksStore(_store(read_settings(Settings))))


# --- What a roll-out asks ------------------------------------------------------------------


def answers_roll_outs() -> "Callable[[Handler], Handler]":
    """Wire the check of a new version, for a function that reads codes and knows DOKU's secret."""
    from o2o.entry import roll_out

    return roll_out.answers_roll_outs(_check_version, _report_version)


def _check_version() -> None:
    from o2o.adapters.doku import self_test
    from o2o.entry.settings.codes import InboxSettings

    settings = read_settings(InboxSettings)
    _codes(settings).get("roll-out")
    credentials = _credentials(settings.doku_secret_name)
    try:
        current = credentials(refresh=True)
    except NotConfiguredYet:
        # No version could do more: the operator may come after the second deployment.
        return
    self_test.check(_inbox(settings.doku_secret_name), current)


def _report_version(deployment_id: str, execution_id: str, status: str) -> None:
    _client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=deployment_id,
        lifecycleEventHookExecutionId=execution_id,
        status=status,
    )


# --- What the operator does ---------------------------------------------------------------


def manage_endpoints() -> "ManageEndpoints":
    """Wire the commands about endpoints, in the environments of those who deliver and browse."""
    from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
    from o2o.entry.settings.webhooks import DeliverSettings
    from o2o.usecases.manage_endpoints import ManageEndpoints

    settings = read_settings(DeliverSettings)
    return ManageEndpoints(
        endpoints=DynamoEndpointStore(_store(settings)),
        storefronts=_storefronts(settings),
        sender=_sender(settings),
        secrets_of=_webhook_roots(settings).secrets,
        browse=browse_events(),
        clock=clock,
    )


def webhook_roots() -> "WebhookRoots":
    """Wire the commands about webhooks' roots, in the environment of ``deliver_webhooks``."""
    from o2o.entry.settings.webhooks import DeliverSettings

    return _webhook_roots(read_settings(DeliverSettings))


def upgrade() -> "Upgrade":
    """Wire the command that upgrades stored items, in the environment of ``reconcile_codes``."""
    from o2o.adapters.dynamodb.upgrade import Upgrade
    from o2o.entry.settings.codes import LifeSettings

    return Upgrade(_store(read_settings(LifeSettings)))


def republish_events() -> "RepublishEvents":
    """Wire the command that makes events again, in the environment of ``publish_events``."""
    from o2o.adapters.aws import is_outage
    from o2o.usecases.republish_events import RepublishEvents

    settings = read_settings(PublishSettings)
    return RepublishEvents(
        codes=_codes(settings),
        events=_events(settings),
        storefronts=_storefronts(settings),
        publish=publish_events(),
        is_outage=is_outage,
        clock=clock,
    )


def release_digits() -> "ReleaseDigits":
    """Wire the command that lets digits go, in the environment of ``generate_code``."""
    from o2o.usecases.release_digits import ReleaseDigits

    return ReleaseDigits(codes=_codes(read_settings(Settings)), clock=clock)


def forget_codes() -> "ForgetCodes":
    """Wire the command that forgets codes, in the environment of ``reconcile_codes``."""
    from o2o.adapters.archive_versions import S3ArchiveVersions
    from o2o.adapters.doku.archived import DokuArchiveReader
    from o2o.adapters.doku.personal import without_person
    from o2o.adapters.dynamodb.orders import DynamoOrderSearch
    from o2o.entry.models.events import forget
    from o2o.entry.settings.codes import ReconcileSettings
    from o2o.usecases.forget_codes import ForgetCodes

    settings = read_settings(ReconcileSettings)
    return ForgetCodes(
        codes=_codes(settings),
        notifications=_notifications(settings),
        events=_events(settings),
        archive=S3ArchiveVersions(_client("s3"), settings.archive_bucket_name),
        reader=DokuArchiveReader(_credentials(settings.doku_secret_name)),
        search=DynamoOrderSearch(_store(settings)),
        take_person_out=without_person,
        forget_payload=forget,
        clock=clock,
    )


def replay_archive() -> "ReplayArchive":
    """Wire the command that replays the archive, in the environment of ``receive_notification``."""
    from o2o.adapters.doku.archived import DokuArchiveReader
    from o2o.entry.settings.codes import ReceiveSettings
    from o2o.usecases.replay_archive import ReplayArchive, ReplayClock

    settings = read_settings(ReceiveSettings)
    then = ReplayClock()
    return ReplayArchive(
        archive=_archive(settings.archive_bucket_name),
        reader=DokuArchiveReader(_credentials(settings.doku_secret_name)),
        record=_record(settings, then),
        clock=then,
    )


def match_settlement() -> "MatchSettlement":
    """Wire the command that matches settlements, in the environment of ``generate_code``."""
    from o2o.adapters.dynamodb.payments import DynamoPaymentStore
    from o2o.entry.settings.codes import MatchSettings
    from o2o.usecases.match_settlement import MatchSettlement

    settings = read_settings(MatchSettings)
    return MatchSettlement(
        codes=_codes(settings),
        payments=DynamoPaymentStore(_store(settings)),
        storefronts=_storefronts(settings),
        settle=_settle(settings),
        bins=settings.bins,
    )


def resolve_notifications() -> "ResolveNotifications":
    """Wire the commands about kept notifications, in the environment of ``reconcile_codes``."""
    from o2o.entry.settings.codes import DokuSettings
    from o2o.usecases.resolve_notifications import ResolveNotifications

    settings = read_settings(DokuSettings)
    return ResolveNotifications(
        inbox=_inbox(settings.doku_secret_name),
        notifications=_notifications(settings),
        settle=_settle(settings),
    )


# --- What they are made of ----------------------------------------------------------------


@cache
def _client(service: str) -> Any:
    # A call that hangs must not eat the time of the answer: a cashier may be waiting for it.
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    client = _session().create_client(service, config=config, verify=_roots())
    if snapshot.starts_ahead():
        _prime(service, client)
    return client


@cache
def _patient_client(service: str) -> Any:
    """A client for large files, which nobody waits for."""
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return _session().create_client(service, config=config, verify=_roots())


def _prime(service: str, client: Any) -> None:
    from o2o.adapters.priming import prime

    try:
        prime(client)
    except Exception as error:  # noqa: BLE001 - Lambda changes botocore by itself
        # A first call that takes longer is no reason not to start.
        log_unprimed(service, error)


class _SeldomClient:
    """A client that is made at its first call: most starts of who has it never make one."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, operation: str) -> Any:
        return getattr(_client(self._service), operation)


def _roots() -> str | None:
    """The certificates that AWS's clients trust; None: botocore's own choice.

    Botocore reads the whole file at each connection, and its own has 126 roots (decision 0090).
    """
    if "LAMBDA_TASK_ROOT" in os.environ and "AWS_CA_BUNDLE" not in os.environ:
        return aws.AMAZON_ROOTS
    return None


@cache
def _session() -> Session:
    # Its making takes about as long as a client's, so that all clients share one. It is botocore's:
    # boto3 would add nothing but what it is for, resources, which nobody uses here.
    return get_session()


def _store(settings: Settings) -> "Store":
    from o2o.adapters.dynamodb.store import Store

    return Store(
        _client("dynamodb"),
        settings.table_name,
        settings.retention,
        readable_by_01=settings.readable_by_01,
    )


def _codes(settings: Settings) -> "DynamoCodeStore":
    from o2o.adapters.dynamodb.codes import DynamoCodeStore

    return DynamoCodeStore(_store(settings))


def _payments(settings: Settings) -> "DynamoPaymentStore":
    from o2o.adapters.dynamodb.payments import DynamoPaymentStore

    return DynamoPaymentStore(_store(settings))


def _notifications(settings: Settings) -> "DynamoNotificationStore":
    from o2o.adapters.dynamodb.notifications import DynamoNotificationStore

    return DynamoNotificationStore(_store(settings))


def _archive(bucket: str, client: Any = None) -> "S3MessageArchive":
    from o2o.adapters.archive import S3MessageArchive

    return S3MessageArchive(client or _client("s3"), bucket)


def _events(settings: Settings) -> "DynamoEventStore":
    from o2o.adapters.dynamodb.events import DynamoEventStore

    return DynamoEventStore(_store(settings))


def _storefronts(settings: Settings) -> "DynamoStorefrontStore":
    from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore

    return DynamoStorefrontStore(_store(settings))


def _queue(url: str) -> "SqsWorkQueue":
    from o2o.adapters.queue import SqsWorkQueue

    return SqsWorkQueue(_client("sqs"), url)


def _sender(settings: "DeliverSettings") -> "HttpsWebhookSender":
    from o2o.adapters.webhook_sender import HttpsWebhookSender

    return HttpsWebhookSender(
        clock=clock,
        timeout_seconds=settings.webhook_timeout_seconds,
        allow_local=settings.webhook_allow_local,
    )


def _settle(settings: "LifeSettings", now: "Clock | None" = None) -> "Settle":
    from o2o.usecases.settle import Settle

    return Settle(codes=_codes(settings), clock=now or clock, timetable=settings.timetable)


def _record(settings: "LifeSettings", now: "Clock") -> "RecordMessage":
    from o2o.usecases.record_message import RecordMessage

    return RecordMessage(
        settle=_settle(settings, now),
        notifications=_notifications(settings),
        clock=now,
        timetable=settings.timetable,
    )


def _reconcile(settings: "ReconcileSettings") -> "Reconcile":
    from o2o.usecases.reconcile import Reconcile

    return Reconcile(
        codes=_codes(settings),
        notifications=_notifications(settings),
        archive=_archive(settings.archive_bucket_name, _SeldomClient("s3")),
        doku=_doku(settings),
        settle=_settle(settings),
        clock=clock,
        timetable=settings.timetable,
    )


@cache
def _credentials(secret_name: str) -> "SecretCredentials":
    from o2o.adapters.secrets import SecretCredentials

    return SecretCredentials(
        _client("secretsmanager"), secret_name, report=log_failure, monotonic=_ages
    )


@cache
def _signing(secret_name: str) -> "Signing":
    from o2o.adapters.signing import Signing

    return Signing(_client("secretsmanager"), secret_name)


def _webhook_roots(settings: "DeliverSettings") -> "WebhookRoots":
    from o2o.adapters.signing import WebhookRoots

    return WebhookRoots(
        _client("secretsmanager"),
        settings.webhook_secret_name,
        _signing(settings.signing_secret_name),
        report=log_failure,
        monotonic=_ages,
    )


def _doku(settings: "DokuSettings") -> "Doku":
    from o2o.adapters.doku.client import DokuClient, TimeLimits
    from o2o.adapters.doku.transport import trusted
    from o2o.entry.observe_doku import ObservedDoku

    if snapshot.starts_ahead():
        trusted()
    doku = DokuClient(
        base_url=settings.doku_base_url,
        paths=settings.paths,
        credentials=_credentials(settings.doku_secret_name),
        clock=system_clock,
        entropy=SystemEntropy(),
        limits=TimeLimits(total=settings.doku_timeout_seconds),
        notification_url=settings.override_notification_url,
    )
    return ObservedDoku(doku)


def _inbox(secret_name: str) -> "Inbox":
    from o2o.adapters.doku.inbox import Inbox

    return Inbox(credentials=_credentials(secret_name), clock=system_clock)
