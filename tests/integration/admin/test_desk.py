"""The desk's server: who may use it, what it records, and what it tells when something is wrong."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest

from admin.target import Target, UnreachableStack
from admin.web.access import Access
from admin.web.pages import Pages, UseCases
from admin.web.server import DeskServer
from o2o.adapters.dynamodb.audit import DynamoAudit
from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.store import Store
from o2o.core.codes import PaymentKind
from o2o.core.errors import Busy, InvalidRequest, NotFound
from o2o.usecases.resolve_payment import ResolvePayment
from tests.integration.admin.deployed import deployed
from tests.support.asgi import Answer, call
from tests.support.memory import RETENTION
from tests.support.samples import NOW, make_code, make_settlement

RESOLUTION = "/_desk/codes/INV-1/payments/1/resolution"
CHANGES = (
    RESOLUTION,
    "/_desk/notifications/abc/assign",
    "/_desk/notifications/abc/dismiss",
    "/_desk/events/redeliver",
)
READS = ("about", "search?text=1", "attention", "inquired", "books", "endpoints", "codes/INV-1")


class Desk:
    """A desk, and the page that its link opened."""

    def __init__(self, *, write: bool = True, stack: str | None = None) -> None:
        self.access = Access()
        self.target = Target(stack, None, None, Path("nowhere"))
        self.server = DeskServer(self.target, self.access, write=write)

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        """With the token, and as a browser's own page asks; headers as ``Sec_Fetch_Site``."""
        given = {
            "authorization": f"Bearer {self.access.token}",
            "origin": "http://127.0.0.1:8000",
            "sec-fetch-site": "same-origin",
            **{name.lower().replace("_", "-"): text for name, text in headers.items()},
        }
        return call(self.server.app, method, target, body=body, headers=given)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """One that can change things, whose stack nobody may reach."""
    made = Desk()

    def reached() -> Pages:
        raise AssertionError("The stack was asked.")

    monkeypatch.setattr(made.server, "_ready", reached)
    return made


# --- who may use it --------------------------------------------------------------------------


def test_the_link_works_once_and_for_nothing_but_the_token(desk: Desk) -> None:
    link = {"link": desk.access.link}
    nobody = {"authorization": ""}
    first = desk.ask("POST", "/_desk/session", link, **nobody)
    assert (first.status, first.json()) == (200, {"token": desk.access.token})
    second = desk.ask("POST", "/_desk/session", link, **nobody)
    assert second.status == 401
    assert "was used before" in second.json()["error"]
    wrong_ones: list[Any] = [{}, {"link": "x"}, {"link": desk.access.token}, {"link": 1}, []]
    for wrong in wrong_ones:
        assert desk.ask("POST", "/_desk/session", wrong, **nobody).status == 401
    assert desk.ask("GET", "/_desk/about", authorization=f"Bearer {desk.access.link}").status == 401


@pytest.mark.parametrize("target", [*(f"/_desk/{each}" for each in READS), "/_desk/nothing"])
@pytest.mark.parametrize("given", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer é"])
def test_nothing_is_read_without_the_token(desk: Desk, target: str, given: str) -> None:
    answer = desk.ask("GET", target, authorization=given)
    assert answer.status == 401
    assert "Open the desk by the link" in answer.json()["error"]


@pytest.mark.parametrize("target", CHANGES)
def test_nothing_is_changed_without_the_token(desk: Desk, target: str) -> None:
    assert desk.ask("POST", target, {}, authorization="").status == 401


@pytest.mark.parametrize("target", ["/", "/static/kit.js", "/_desk/about", "/_desk/session"])
def test_another_host_name_is_refused(desk: Desk, target: str) -> None:
    assert desk.ask("GET", target, host="desk.example").status == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        # Another program's page on this machine.
        {"origin": "http://127.0.0.1:9999", "sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site"},
    ],
)
@pytest.mark.parametrize("target", ["/_desk/session", RESOLUTION])
def test_another_site_s_page_is_refused(desk: Desk, target: str, headers: dict[str, str]) -> None:
    body = {"link": desk.access.link, "resolution": "kept"}
    assert desk.ask("POST", target, body, **headers).status == 403
    # And the link has not been used by it.
    assert desk.access.exchange(desk.access.link) is not None


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_of_another_site_is_refused(desk: Desk, kind: str) -> None:
    assert desk.ask("POST", RESOLUTION, b"{}", content_type=kind).status == 415


@pytest.mark.parametrize("target", CHANGES)
def test_a_desk_that_only_reads_changes_nothing(target: str) -> None:
    answer = Desk(write=False).ask("POST", target, {"resolution": "kept", "reason": "x"})
    assert answer.status == 403
    assert "--write" in answer.json()["error"]


def test_the_pages_have_a_strict_policy_and_no_secret(desk: Desk) -> None:
    for target in ("/", "/static/desk.js", "/static/style.css", "/_desk/about", "/nothing"):
        answer = desk.ask("GET", target, authorization="")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        for secret in (desk.access.token, desk.access.link):
            assert secret.encode() not in answer.body
    assert desk.ask("GET", "/static/..%2fpages.py").status == 404


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"resolution": 1}', b"\xff"])
def test_a_body_that_is_no_object_of_texts_is_refused(desk: Desk, body: bytes) -> None:
    assert desk.ask("POST", RESOLUTION, body, content_type="application/json").status == 400


# --- what is recorded ------------------------------------------------------------------------


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The table of a deployed stack, with a code that was paid again."""
    with deployed(monkeypatch):
        store = Store(boto3.client("dynamodb"), "o2o-table", RETENTION)
        codes = DynamoCodeStore(store)
        code = make_code()
        codes.create(code)
        settled = make_settlement(code)
        again = replace(settled.payment, kind=PaymentKind.PAID_AGAIN)
        codes.record(replace(settled, payment=again))
        yield store


@pytest.fixture
def open_desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk on it, that can resolve payments."""
    made = Desk(stack="o2o-dev")
    codes = DynamoCodeStore(store)
    use: Any = dict.fromkeys(UseCases.__dataclass_fields__)
    use |= {"resolve": ResolvePayment(codes=codes, clock=lambda: NOW)}
    pages = Pages(made.target, UseCases(**use))
    monkeypatch.setattr(made.server, "_ready", lambda: pages)
    return made


def test_a_resolution_is_recorded_with_its_reason(open_desk: Desk, store: Store) -> None:
    said = {"resolution": "refunded", "reference": "TRF-1", "note": "by bank", "reason": "ticket 7"}
    answer = open_desk.ask("POST", RESOLUTION, said)
    assert (answer.status, answer.json()["is_news"]) == (200, True)
    payment = DynamoCodeStore(store).get_payment("INV-1", "1")
    assert payment is not None
    assert payment.resolution is not None
    assert payment.resolution.by.startswith("arn:aws:")
    assert (payment.resolution.reference, payment.needs_attention) == ("TRF-1", False)
    ended, begun = sorted(
        DynamoAudit(store).entries(NOW.replace(year=2020)), key=lambda each: each.outcome is None
    )
    assert (ended.outcome, ended.audit_id) == ("done", begun.audit_id)
    assert (begun.command, begun.reason) == ("desk payments resolve", "ticket 7")
    assert begun.arguments == {
        "order_number": "INV-1",
        "payment": "1",
        "resolution": "refunded",
        "reference": "TRF-1",
        "note": "given",
    }


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_deployed_stack_asks_why(open_desk: Desk, store: Store, reason: str | None) -> None:
    said = {"resolution": "kept"} | ({} if reason is None else {"reason": reason})
    answer = open_desk.ask("POST", RESOLUTION, said)
    assert answer.status == 400
    assert [each["name"] for each in answer.json()["invalid_params"]] == ["reason"]
    assert not list(DynamoAudit(store).entries(NOW.replace(year=2020)))
    payment = DynamoCodeStore(store).get_payment("INV-1", "1")
    assert payment is not None
    assert payment.resolution is None


@pytest.mark.parametrize(
    ("target", "said", "status"),
    [
        (RESOLUTION, {"resolution": "gone"}, 400),
        (RESOLUTION, {}, 400),
        (RESOLUTION, {"resolution": "kept", "reference": "x" * 65}, 400),
        ("/_desk/codes/INV-2/payments/1/resolution", {"resolution": "kept"}, 404),
        ("/_desk/codes/INV-1/payments/2/resolution", {"resolution": "kept"}, 404),
    ],
)
def test_what_can_not_be_resolved_is_told(
    open_desk: Desk, target: str, said: dict[str, str], status: int
) -> None:
    answer = open_desk.ask("POST", target, {"reason": "ticket 7", **said})
    assert answer.status == status
    assert answer.json()["error"]


# --- what goes wrong -------------------------------------------------------------------------


def of_aws(code: str) -> botocore.exceptions.ClientError:
    """An error that AWS answers."""
    return botocore.exceptions.ClientError({"Error": {"Code": code}}, "Query")


def unreachable(cause: Exception) -> UnreachableStack:
    """The same, as the target tells it."""
    error = UnreachableStack("AWS can't be used")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        of_aws("ExpiredTokenException"),
        unreachable(of_aws("ExpiredToken")),
        botocore.exceptions.NoCredentialsError(),
        botocore.exceptions.UnauthorizedSSOTokenError(),
        botocore.exceptions.TokenRetrievalError(provider="sso", error_msg="expired"),
    ],
)
def test_credentials_that_have_expired_are_told_and_looked_for_anew(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    desk = Desk(stack="o2o-dev")
    tries: list[Any] = []

    def wired(target: Target, *, write: bool) -> UseCases:
        tries.append((target, write))
        raise error

    monkeypatch.setattr(UseCases, "wired", wired)
    for _ in range(2):
        answer = desk.ask("GET", "/_desk/attention")
        assert answer.status == 503
        assert "Renew them" in answer.json()["error"]
    assert len(tries) == 2


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (NotFound("there is no such payment code"), 404, "There is no such payment code."),
        (InvalidRequest.of("day", "must be a day"), 400, "day: must be a day"),
        (Busy("the table is throttled"), 409, "The table is throttled."),
        (of_aws("AccessDeniedException"), 502, "the policy for operators"),
        (of_aws("ValidationException"), 502, "AWS refused Query (ValidationException)."),
        (
            botocore.exceptions.EndpointConnectionError(endpoint_url="https://x"),
            502,
            "The stack does not answer (EndpointConnectionError).",
        ),
        (UnreachableStack("no local stack runs"), 502, "No local stack runs."),
    ],
)
def test_what_goes_wrong_is_a_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, sentence: str
) -> None:
    def fail() -> Pages:
        raise error

    monkeypatch.setattr(desk.server, "_ready", fail)
    answer = desk.ask("GET", "/_desk/attention")
    assert answer.status == status
    assert sentence in answer.json()["error"]


def test_a_bug_is_told_without_its_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> Pages:
        raise RuntimeError("Anton Budiman")

    monkeypatch.setattr(desk.server, "_ready", fail)
    answer = desk.ask("GET", "/_desk/attention")
    assert answer.status == 500
    told = capsys.readouterr().err
    assert "RuntimeError at " in told
    assert "Anton" not in told + answer.body.decode()
