"""Which addresses of a DynamoDB engine are taken, and what is said of the others."""

import socket

import pytest

from local import engine
from local.errors import StackError
from tests.support.receivers import Answer, answering, babble, close, receiver


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://127.0.0.1:8000", "http://", "http://127.0.0.1:eighty",
     "http://127.0.0.1:70000", "http://[::1", "http://a b"],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(StackError) as caught:
        engine.check(url)
    assert str(caught.value) == (
        f"{url!r} is no address of a DynamoDB engine: --dynamodb-url takes one like"
        " http://127.0.0.1:8000."
    )


def test_a_name_that_nobody_has() -> None:
    url = "http://engine.invalid:8000"
    with pytest.raises(StackError, match=rf"^No DynamoDB engine answers at {url}: .*\.$"):
        engine.check(url)


def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StackError, match=f"^No DynamoDB engine answers at {url}: Read timeout"):
            engine.check(url)


JSON = "application/x-amz-json-1.0"


@pytest.mark.parametrize(
    "answer",
    [
        answering(200, "text/html", b"<h1>It works</h1>"),
        answering(200, JSON, b'{"TableNames": ['),
        answering(200, JSON, b"[1]"),
        answering(200, JSON, b"null"),
        answering(200, JSON, b'{"TableNames": 5}'),
        answering(404, "text/html", b"<h1>Not here</h1>"),
        answering(500, "application/json", b"{}"),
        answering(302, "text/plain", b""),
        babble,
        close,
    ],
)
def test_what_answers_is_something_else(answer: Answer) -> None:
    with receiver(answer) as other:
        url = other.url.removesuffix("/hook")
        with pytest.raises(StackError) as caught:
            engine.check(url)
    told = str(caught.value)
    assert f" at {url}" in told
    assert "no dynamodb engine" in told.lower()
    assert told.endswith(".")
    assert len(told.splitlines()) == 1


def test_an_engine_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(answering(200, JSON, b'{"TableNames": []}')) as other:
        engine.check(other.url)
