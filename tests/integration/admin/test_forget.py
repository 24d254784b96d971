"""Who asks to be forgotten is: in the table, on a real engine, and in every version of the archive.

The command runs as an operator runs it, with the rights of an operator.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from admin.cli import app
from o2o.adapters.archive import S3MessageArchive
from o2o.adapters.doku import messages
from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.events import DynamoEventStore
from o2o.adapters.dynamodb.notifications import DynamoNotificationStore
from o2o.adapters.dynamodb.store import Store
from o2o.core.archive import ArchivedMessage, MessageKind, parse_key
from o2o.core.channels import Feature
from o2o.core.code_requests import CodeRequest
from o2o.core.codes import Customer, PaymentCode, PaymentKind, Status
from o2o.core.deliveries import DeliveryStatus, EventRecord
from o2o.core.errors import DokuRefused
from o2o.core.events import derive_story
from o2o.core.notifications import DokuMessage, KeptFor, KeptNotification
from o2o.core.payments import Evidence, Payment
from o2o.core.resolutions import ResolutionKind
from o2o.entry.models.events import render
from o2o.usecases.resolve_payment import ResolvePayment
from tests.support import dynoxide, tables
from tests.support.items import readable
from tests.support.memory import RETENTION
from tests.support.settings import CHANNELS, TIMETABLE
from tests.support.world import START, Mood, World, plenty

BUCKET = "archive"
NAME, EMAIL = "Anton Budiman", "anton@example.com"
NOTES = ("by bank to his sister", "she has it")
PERSONAL: dict[str, Any] = {
    "customer": Customer(NAME, EMAIL),
    "info": f"Pesanan {NAME}",
    "metadata": json.dumps({"cart": f"{NAME} <{EMAIL}>"}),
    "public_url": "https://pay.example",
}
PATH = "/v1/doku/notifications"


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    with dynoxide.run(dynoxide.need()) as url:
        yield url


@pytest.fixture
def stack(engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A local stack's state: its table on the engine, its bucket with versions on moto."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-3")
    with mock_aws():
        dynamodb = boto3.client("dynamodb", endpoint_url=engine)
        tables.create(dynamodb, "o2o-table")
        boto3.client("s3").create_bucket(
            Bucket=BUCKET,
            CreateBucketConfiguration={"LocationConstraint": "ap-southeast-3"},
            ObjectLockEnabledForBucket=True,
        )
        environment = {
            "AWS_ENDPOINT_URL_DYNAMODB": engine,
            "TABLE_NAME": "o2o-table",
            "READABLE_BY_01": "false",
            "ARCHIVE_BUCKET_NAME": BUCKET,
            "DOKU_BASE_URL": "https://doku.example",
            "DOKU_SECRET_NAME": "doku",
            "DOKU_TIMEOUT_SECONDS": "1",
            "OVERRIDE_NOTIFICATION_URL": "",
            "CHANNELS": json.dumps(CHANNELS),
            "TIMETABLE": json.dumps(TIMETABLE),
            "CODE_RETENTION_DAYS": "90",
            "EVIDENCE_RETENTION_DAYS": "3650",
        }
        written = {"ReconcileCodesFunction": environment}
        (tmp_path / "functions.json").write_text(json.dumps(written))
        described = {"dynamodb_url": engine, "outputs": {"TableName": "o2o-table"}}
        (tmp_path / "stack.json").write_text(json.dumps(described))
        yield tmp_path
        dynamodb.delete_table(TableName="o2o-table")


@pytest.fixture
def run(stack: Path) -> Callable[..., Result]:
    def command(*arguments: str, ok: bool = True, **options: Any) -> Result:
        result = CliRunner().invoke(app, ["--state-dir", str(stack), *arguments], **options)
        assert (result.exit_code == 0) is ok, result.output
        assert "Traceback" not in result.output
        return result

    return command


@pytest.fixture
def store(stack: Path, engine: str) -> Store:
    return Store(boto3.client("dynamodb", endpoint_url=engine), "o2o-table", RETENTION)


class HashedWorld(World):
    """Whose fingerprints are hashes, as real ones are."""

    def request(self, invoice_number: str = "INV-1", **changes: object) -> CodeRequest:
        request = super().request(invoice_number, **changes)
        return replace(request, fingerprint=sha256(request.fingerprint.encode()).hexdigest())


@pytest.fixture
def world(store: Store) -> World:
    return HashedWorld(DynamoCodeStore(store), DynamoNotificationStore(store))


@pytest.fixture
def archive(stack: Path) -> S3MessageArchive:
    return S3MessageArchive(boto3.client("s3"), BUCKET)


def body(order_number: str = "INV-1", receipt: str = "R-1", **transaction: Any) -> str:
    """A notification, with all that DOKU could say of its customer."""
    return json.dumps(
        {
            "service": {"id": "ONLINE_TO_OFFLINE"},
            "acquirer": {"id": "ALFA"},
            "transaction": {"status": "SUCCESS", "date": "2026-03-01T03:10:00Z", **transaction},
            "order": {"invoice_number": order_number, "amount": 150000},
            "customer": {"name": NAME.upper(), "email": EMAIL, "phone": "0812"},
            "online_to_offline_payment": {
                "identifier": [
                    {"name": "AGENT_TRX_ID", "value": receipt},
                    {"name": "PAYER", "value": f"Bp.  {NAME}"},
                ]
            },
        }
    )


def evidence_of(text: str) -> Evidence:
    return Evidence(text, {"Client-Id": "MCH-1", "Request-Timestamp": "2026-03-01T03:10:00Z"})


class Shop:
    """Orders of Anton's, and what the stack holds of them."""

    def __init__(self, world: World, store: Store, archive: S3MessageArchive) -> None:
        self.world = world
        self.store = store
        self.archive = archive

    def notified(self, order_number: str = "INV-1", receipt: str = "R-1", **said: Any) -> Evidence:
        """DOKU's message comes into the archive, twice."""
        text = body(order_number, receipt, **said)
        for minutes in (0, 30):
            self.archive.keep(
                ArchivedMessage(
                    kind=MessageKind.NOTIFICATION,
                    message=DokuMessage(PATH, {"Client-Id": "MCH-1"}, text.encode()),
                    received_at=self.world.clock() + timedelta(minutes=minutes),
                )
            )
        return evidence_of(text)

    def pay(self, receipt: str = "R-1", **changes: Any) -> None:
        evidence = self.notified(receipt=receipt)
        report = messages.parse_notification(evidence).payment
        assert report is not None
        self.world.settle(replace(report, paid_at=self.world.clock(), **changes))

    def keep(self, order_number: str = "INV-1", reason: KeptFor = KeptFor.NOT_SUCCESS) -> str:
        """A message about it that could not be settled."""
        evidence = self.notified(order_number, "R-kept", status="PENDING")
        kept = KeptNotification.of(
            evidence,
            reason,
            None,
            invoice_number=order_number,
            now=self.world.clock(),
            timetable=TIMES,
        )
        self.world.notifications.keep(kept)
        return kept.identity

    def publish(self, status: DeliveryStatus = DeliveryStatus.PENDING) -> list[EventRecord]:
        """The events of its life."""
        code = self.world.code()
        payments = self.payments()
        resolved = [one for each in payments for one in each.resolved_payments]
        records = [
            EventRecord(
                event_id=event.event_id,
                type=event.type,
                storefront_id="shop",
                invoice_number="INV-1",
                sequence=code.version,
                created_at=event.occurred_at,
                payload=render(event),
                keep_until=event.occurred_at + timedelta(days=90),
                status=status,
            )
            for event in derive_story(code, [each.mark for each in payments], resolved)
        ]
        for record in records:
            DynamoEventStore(self.store).add(record)
        return records

    # --- what is left ---

    def items(self) -> str:
        client = self.store._client
        found = readable(client.scan(TableName="o2o-table", ConsistentRead=True)["Items"])
        return json.dumps(found).casefold()

    def objects(self) -> list[tuple[str, dict[str, Any]]]:
        """Every version of every object, by its key."""
        s3 = boto3.client("s3")
        listed = s3.list_object_versions(Bucket=BUCKET).get("Versions", [])
        return [
            (
                each["Key"],
                json.loads(
                    s3.get_object(Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"])[
                        "Body"
                    ].read()
                ),
            )
            for each in listed
        ]

    def everything(self) -> str:
        told = [b64decode(each["body_base64"]).decode() for _, each in self.objects()]
        return (self.items() + json.dumps(self.objects()) + "\n".join(told)).casefold()

    def payments(self) -> list[Payment]:
        return list(self.world.codes.list_payments("INV-1", limit=9, cursor=None).items)


TIMES = World().reconcile.timetable


@pytest.fixture
def shop(world: World, store: Store, archive: S3MessageArchive) -> Shop:
    return Shop(world, store, archive)


def rest(shop: Shop) -> None:
    shop.world.live(shop.world.clock() + timedelta(days=2), step=timedelta(hours=4))


def paid(shop: Shop) -> None:
    shop.pay()


def paid_twice(shop: Shop) -> None:
    shop.pay()
    shop.pay("R-2")


def paid_twice_and_given_back(shop: Shop) -> None:
    """Somebody wrote to whom, and how."""
    paid_twice(shop)
    resolve = ResolvePayment(codes=shop.world.codes, clock=shop.world.clock)
    for note in NOTES:
        resolve("shop", "INV-1", "2", ResolutionKind.REFUNDED, by="ani", reference="T-1", note=note)
    assert all(note in shop.items() for note in NOTES)


def given_back_when_forgotten_in_time(shop: Shop) -> None:
    """The same, long after."""
    forgotten_in_time(shop)
    paid_twice_and_given_back(shop)


def paid_another_amount(shop: Shop) -> None:
    """It stays active, and is left to a person."""
    told = shop.world.doku.pay("INV-1", amount=100_000)
    shop.pay(amount=told.amount)
    rest(shop)
    assert (shop.world.code().status, shop.world.code().due_at) == (Status.ACTIVE, None)


def expired(shop: Shop) -> None:
    """It is looked at again."""
    shop.world.live(START + timedelta(minutes=70), step=timedelta(minutes=35))
    assert (shop.world.code().status, shop.world.code().is_at_rest) == (Status.EXPIRED, False)


def expired_and_at_rest(shop: Shop) -> None:
    rest(shop)
    assert (shop.world.code().status, shop.world.code().is_at_rest) == (Status.EXPIRED, True)


def expired_and_paid(shop: Shop) -> None:
    expired(shop)
    shop.pay()


def cancelled(shop: Shop) -> None:
    shop.world.cancel("shop", "INV-1")


def forgotten_in_time(shop: Shop) -> None:
    """Its customer is unknown by now, DOKU's messages are not."""
    shop.pay()
    shop.world.clock.advance(days=90)
    shop.world.work_off()
    assert shop.world.code().customer is None


ENDS: list[Callable[[Shop], None]] = [
    *(paid, paid_twice, paid_another_amount, expired, expired_and_at_rest, expired_and_paid),
    *(cancelled, forgotten_in_time, paid_twice_and_given_back, given_back_when_forgotten_in_time),
]
FEATURES = {Feature.DGPC: {}, Feature.DIPC: {"feature": Feature.DIPC}}


def facts(payments: list[Payment]) -> list[object]:
    """What must not change of payments: who was paid what, and what became of it."""
    return [
        (each.mark, each.digests, [(r.kind, r.by, r.at, r.reference) for r in each.resolutions])
        for each in payments
    ]


def left_of(code: PaymentCode) -> tuple[object, ...]:
    """What must not change."""
    return (code.status, code.amount, code.payments, code.paid_at, code.last_payment, code.due_at)


def forget(run: Callable[..., Result], *arguments: str, ok: bool = True) -> Any:
    told = run("--json", "codes", "forget", *(arguments or ("INV-1",)), ok=ok).stdout
    return json.loads(told)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_nothing_of_the_person_is_left_anywhere(run, shop, end):
    shop.world.ask(**PERSONAL)
    end(shop)
    identity = shop.keep()
    shop.publish()
    before, payments = shop.world.code(), shop.payments()
    kept_objects = len(shop.objects())
    assert NAME.casefold() in shop.everything()

    done = forget(run)

    assert (done["orders"], done["living"], done["locked"]) == (["INV-1"], [], 0)
    assert done["messages"] == kept_objects == len(shop.objects())
    everything = shop.everything()
    for gone in ("anton", "budiman", "example.com", "0812", "pay.example", *NOTES):
        assert gone not in everything, gone
    code = shop.world.code()
    assert left_of(code) == left_of(before)
    assert (code.forgotten_at is None, code.customer, code.intent) == (False, None, None)
    # The facts of the payments, and the SHA-256 of what DOKU said of them, are as they were.
    assert facts(shop.payments()) == facts(payments)
    assert shop.world.notifications.find("INV-1", identity) is not None
    for key, document in shop.objects():
        assert document["forgotten"]["body_sha256"] in key
    # A second time finds nothing.
    assert forget(run)["messages"] == 0
    assert left_of(shop.world.code()) == left_of(before)


@pytest.mark.parametrize("feature", FEATURES)
def test_a_code_that_lives_is_refused_and_then_cancelled(run, shop, feature):
    shop.world.ask(**PERSONAL, **FEATURES[feature])
    shop.notified()
    before = shop.everything()
    result = run("codes", "forget", "INV-1", ok=False)
    assert "INV-1 was not touched: it is active. Cancel it first" in result.stderr
    assert "2026-03-01 04:00 UTC" in result.stderr
    assert shop.everything().count(NAME.casefold()) == before.count(NAME.casefold())
    shop.world.cancel("shop", "INV-1")
    forget(run)
    assert "anton" not in shop.everything()


def test_so_is_one_that_doku_has_not_answered_for(run, shop):
    shop.world.doku.mood = Mood.DOWN
    shop.world.ask(**PERSONAL)
    assert shop.world.code().status is Status.REQUESTED
    assert forget(run, ok=False)["living"] == ["INV-1"]
    shop.world.cancel("shop", "INV-1")
    forget(run)
    assert "anton" not in shop.everything()


def test_one_that_failed_is_forgotten(run, shop):
    shop.world.doku.mood = Mood.REFUSING
    with pytest.raises(DokuRefused):
        shop.world.ask(**PERSONAL)
    shop.world.doku.mood = Mood.DOWN
    shop.world.ask("INV-2", **PERSONAL)
    shop.world.live(START + timedelta(hours=3), step=timedelta(minutes=45))
    codes = [shop.world.code(number) for number in ("INV-1", "INV-2")]
    assert [code.status for code in codes] == [Status.FAILED, Status.FAILED]
    assert [code.is_at_rest for code in codes] == [True, False]
    for number in ("INV-1", "INV-2"):
        forget(run, number)
    assert "anton" not in shop.everything()
    # Its looks go on.
    assert shop.world.code("INV-2").due_at == codes[1].due_at


def test_a_late_payment_is_known_and_brings_nothing_back(run, shop):
    shop.world.ask(**PERSONAL)
    expired(shop)
    forget(run)
    shop.world.doku.pay("INV-1")
    shop.world.clock.now = shop.world.code().due_at
    shop.world.work_off()
    code = shop.world.code()
    assert (code.status, code.late, code.payments) == (Status.PAID, True, 1)
    assert shop.payments()[0].kind is PaymentKind.PAID_LATE
    # Another one, whose message names the customer, goes with the next request.
    shop.world.clock.advance(hours=1)
    shop.pay("R-2")
    assert (code.customer, code.payment_code) == (None, None)
    assert "anton" in shop.everything()
    forget(run)
    assert "anton" not in shop.everything()
    assert [each.report.receipt_number for each in shop.payments()][1:] == ["R-2"]


def test_the_former_object_is_known_by_its_key_whatever_is_taken_later(run, shop):
    shop.world.ask(**PERSONAL)
    shop.pay()
    s3 = boto3.client("s3")
    keys = [key for key, _ in shop.objects()]
    for key in keys:
        content = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert parse_key(key).object_sha256 == sha256(content).hexdigest()
    forget(run)
    for key, document in shop.objects():
        assert document["forgotten"]["body_sha256"] == parse_key(key).body_sha256
        assert document["format"] == 2
        left = json.loads(b64decode(document["body_base64"]))
        assert left["order"] == {"invoice_number": "INV-1", "amount": 150000}
        assert left["customer"] is None
        # Something is taken that was not found before.
        more = {"customer": {"a": 1}, "order": {"invoice_number": "INV-1"}}
        document["body_base64"] = b64encode(json.dumps(more).encode()).decode()
        s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(document).encode())
    assert forget(run)["messages"] == len(keys)
    assert {key for key, _ in shop.objects()} == set(keys)


def test_what_was_overwritten_or_deleted_in_the_archive_goes_too(run, shop):
    shop.world.ask(**PERSONAL)
    shop.pay()
    s3 = boto3.client("s3")
    first, second = [key for key, _ in shop.objects()]
    content = s3.get_object(Bucket=BUCKET, Key=first)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=first, Body=content)
    s3.delete_object(Bucket=BUCKET, Key=second)
    assert forget(run)["messages"] == 3
    assert "anton" not in shop.everything()
    # Nothing takes the place of what somebody had deleted.
    assert [key for key, _ in shop.objects()] == [first]


def test_a_lock_keeps_what_it_locks_and_says_until_when(run, shop, world):
    s3 = boto3.client("s3")
    s3.put_object_lock_configuration(
        Bucket=BUCKET,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}},
        },
    )
    shop.world.ask(**PERSONAL)
    shop.pay()
    said = run("codes", "forget", "INV-1").stdout
    assert "A lock of the archive keeps 2 of them as they were, too, the last one until" in said
    assert "no sooner than in 35 days" in said
    # The latest version of each is without the person, and so is the table.
    latest = [S3MessageArchive(s3, BUCKET).get(key) for key in {key for key, _ in shop.objects()}]
    assert len(latest) == 2
    assert all(each.forgotten and b"anton" not in each.message.body.lower() for each in latest)
    assert "anton" not in shop.items()
    again = forget(run)
    assert (again["locked"], again["messages"]) == (2, 2)
    assert again["locked_until"] > "2026"
    assert len(shop.objects()) == 4


def test_other_people_s_messages_stay_as_they_came(run, shop):
    """Also those of somebody of the same name."""
    for number in ("INV-1", "INV-2"):
        shop.world.ask(number, **PERSONAL)
        shop.world.cancel("shop", number)
    shop.notified("INV-2")
    before = shop.objects()
    assert forget(run)["messages"] == 0
    assert shop.objects() == before
    assert shop.world.code("INV-2").customer == PERSONAL["customer"]


# --- by e-mail -------------------------------------------------------------------------------


@pytest.fixture
def three(shop: Shop) -> Shop:
    """One that is paid, one that lives, and somebody else's with a similar address."""
    shop.world.ask(**PERSONAL)
    shop.pay()
    shop.world.ask("INV-2", **PERSONAL)
    shop.world.ask("INV-3", customer=Customer("Anton B", f"x{EMAIL}"))
    shop.world.cancel("shop", "INV-3")
    return shop


def test_all_of_an_address_is_shown_asked_about_and_forgotten(run, three):
    address = f" {EMAIL.upper()} "
    asked = run("codes", "forget", "--email", address, ok=False, input="n\n")
    assert "Forget these, for good?" in asked.output
    assert "INV-1" in asked.stdout
    assert "lives" in asked.stdout
    assert three.world.code().customer is not None

    told = run("codes", "forget", "--email", address, ok=False, input="y\n")
    assert "INV-2 was not touched: it is active" in told.stderr
    assert [three.world.code(f"INV-{n}").customer is None for n in (1, 2, 3)] == [
        *(True, False, False)
    ]
    three.world.cancel("shop", "INV-2")
    done = forget(run, "--email", EMAIL, "--yes")
    assert done["orders"] == ["INV-2"]
    assert three.everything().count(EMAIL) == three.everything().count(f"x{EMAIL}")
    assert forget(run, "--email", EMAIL, "--yes")["orders"] == []


def test_an_address_finds_messages_without_a_code_and_those_of_codes_forgotten_in_time(run, shop):
    shop.world.ask(**PERSONAL)
    forgotten_in_time(shop)
    identity = shop.keep("INV-gone", KeptFor.UNMATCHED)
    done = forget(run, "--email", EMAIL, "--yes")
    assert done["orders"] == ["INV-1", "INV-gone"]
    assert "anton" not in shop.everything()
    # It can still be assigned.
    kept = shop.world.notifications.find("INV-gone", identity)
    assert kept is not None
    report = messages.parse_notification(kept.evidence).payment
    assert report is not None
    assert (report.receipt_number, int(report.amount)) == ("R-kept", 150_000)


def test_another_one_s_code_stays_though_a_message_about_it_names_the_address(run, shop):
    shop.world.ask(customer=Customer("Siti", "siti@example.com"))
    shop.pay()
    done = forget(run, "--email", EMAIL, "--yes")
    assert done["orders"] == ["INV-1"]
    assert shop.world.code().customer == Customer("Siti", "siti@example.com")
    assert EMAIL not in shop.everything()


def test_what_broke_off_is_found_and_finished(stack, three, monkeypatch):
    """Whichever write is the last one."""
    three.world.cancel("shop", "INV-2")
    three.notified("INV-2", "R-9")
    three.keep()
    three.publish()
    put = Store.put
    left = [0]

    def breaks(self: Store, item: Any, condition: Any = None) -> None:
        if not item["pk"]["S"].startswith("AUDIT#"):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
        put(self, item, condition)

    for writes in range(12):
        left[0] = writes
        with monkeypatch.context() as patch:
            patch.setattr(Store, "put", breaks)
            result = CliRunner().invoke(
                app,
                [
                    *("--state-dir", str(stack)),
                    *("codes", "forget", "--email", EMAIL, "--yes"),
                ],
            )
        if result.exit_code == 0:
            break
    else:
        raise AssertionError("it never came to its end")
    assert three.everything().count(EMAIL) == three.everything().count(f"x{EMAIL}")


def test_the_audit_tells_that_it_was_done_and_not_of_whom(run, three):
    run("codes", "forget", "--email", EMAIL, "--yes", "--reason", "a request by post", ok=False)
    (entry,) = json.loads(run("--json", "audit").stdout)
    digest = sha256(EMAIL.encode()).hexdigest()
    assert (entry["command"], entry["reason"]) == ("codes forget", "a request by post")
    assert set(entry["arguments"].split()) == {f"email=sha256:{digest}", "yes=True"}
    run("codes", "forget", "INV-1")
    (entry, _) = json.loads(run("--json", "audit").stdout)
    assert set(entry["arguments"].split()) == {"order_number=INV-1", "yes=False"}
    assert entry["outcome"] == "done"


@pytest.mark.parametrize("arguments", [(), ("INV-1", "--email", EMAIL), ("--email", " ")])
def test_one_order_or_one_address(run, stack, arguments):
    assert "or --email" in run("codes", "forget", *arguments, ok=False).stderr


def test_an_order_that_is_not_there(run, stack):
    assert "no such payment code" in run("codes", "forget", "INV-404", ok=False).stderr


def test_an_event_that_must_be_sent_still_is(run, shop):
    """The queue carries a new one only as long as it is as it was."""
    shop.world.ask(**PERSONAL)
    shop.pay()
    records = shop.publish()
    assert records
    assert all(record.is_carried for record in records)
    forget(run)
    for record in records:
        left = DynamoEventStore(shop.store).get(record.event_id)
        assert left is not None
        assert left.is_wanted(shop.world.clock() + timedelta(days=400))
        told, was = json.loads(left.payload), json.loads(record.payload)
        gone = ("metadata", "info", "pay_url", "payment_code", "how_to_pay_page", "receipt")
        assert {name: told["data"].pop(name) for name in gone} == {
            **dict.fromkeys(gone),
            "receipt": {"description": None, "footer": None},
        }
        for name in gone:
            was["data"].pop(name)
        assert told == was


def test_a_payment_of_meanwhile_is_kept_and_its_message_is_clean(run, shop, monkeypatch):
    shop.world.ask(**PERSONAL)
    expired(shop)
    save = DynamoCodeStore.save
    meanwhile = [shop.pay]

    def overtaken(self: DynamoCodeStore, code: PaymentCode) -> None:
        while meanwhile:
            meanwhile.pop()()
        save(self, code)

    monkeypatch.setattr(DynamoCodeStore, "save", overtaken)
    forget(run)
    assert "anton" not in shop.items()
    assert (shop.world.code().status, shop.world.code().payments) == (Status.PAID, 1)
    assert shop.world.refresh("shop", "INV-1", time_left=plenty).code is not None
