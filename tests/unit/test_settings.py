"""What stands in a function's environment: a value that can be lived by, or a named mistake."""

import json
from typing import Any

import pytest

from o2o.core.errors import InvalidConfiguration
from o2o.entry.settings import AuthorizeSettings, DescribeSettings, Settings
from o2o.entry.settings.codes import GenerateSettings
from o2o.entry.settings.webhooks import DeliverSettings

DEEP = "[" * 100_000
CHANNEL = {
    "path": "/alfa",
    "min_amount": 10_000,
    "max_amount": 2_500_000,
    "max_expiry_minutes": 43_200,
}
TIMETABLE = {
    "requested_minutes": [1, 2],
    "active_minutes": [15, 60],
    "inquired_minutes": [1.5],
    "grace_seconds": 60,
    "guess_minutes": 30,
    "look_again_minutes": [35, 1080],
}
ENVIRONMENT = {
    "TABLE_NAME": "o2o",
    "READABLE_BY_01": "false",
    "DOKU_BASE_URL": "https://api.doku.com",
    "DOKU_SECRET_NAME": "doku",
    "DOKU_TIMEOUT_SECONDS": "8",
    "CHANNELS": json.dumps({"alfa": CHANNEL}),
    "BINS": "[]",
    "REPORT_COLUMNS": "{}",
    "TIMETABLE": json.dumps(TIMETABLE),
    "CODE_RETENTION_DAYS": "90",
    "EVIDENCE_RETENTION_DAYS": "3650",
    "OVERRIDE_NOTIFICATION_URL": "",
    "PUBLIC_URL": "",
    "SIGNING_SECRET_NAME": "signing",
    "WEBHOOK_SECRET_NAME": "webhooks",
    "WEBHOOK_DEAD_LETTER_QUEUE_URL": "letters",
    "WEBHOOK_RETRY_MINUTES": "[1, 5]",
    "WEBHOOK_TIMEOUT_SECONDS": "10",
    "WEBHOOK_ALLOW_LOCAL": "false",
    "STOREFRONT_RATE_LIMIT": "20",
    "SHARED_USAGE_KEY": "shared",
}
KINDS: dict[str, type[Settings]] = {
    "PUBLIC_URL": DescribeSettings,
    "WEBHOOK_RETRY_MINUTES": DeliverSettings,
    "STOREFRONT_RATE_LIMIT": AuthorizeSettings,
}


def read(variable: str, value: str) -> Any:
    kind = KINDS.get(variable, GenerateSettings)
    return getattr(kind.from_env(ENVIRONMENT | {variable: value}), variable.lower())


def channel(**changes: Any) -> str:
    return json.dumps({"alfa": CHANNEL | changes})


def timetable(**changes: Any) -> str:
    return json.dumps(TIMETABLE | changes)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CHANNELS", DEEP),
        ("CHANNELS", channel(path=5)),
        ("CHANNELS", channel(merchant_path=["/x"])),
        ("CHANNELS", channel(min_amount="10000")),
        ("CHANNELS", channel(min_amount=10_000.5)),
        ("CHANNELS", channel(min_amount=True)),
        ("CHANNELS", '{"alfa": {"path": "/a", "min_amount": 1, "max_amount": Infinity}}'),
        ("CHANNELS", channel().replace("2500000", "Infinity")),
        ("CHANNELS", channel().replace("43200", "1e400")),
        ("BINS", DEEP),
        ("TIMETABLE", DEEP),
        ("TIMETABLE", timetable(requested_minutes=[1e300])),
        ("TIMETABLE", timetable(requested_minutes=[1, 10**9])),
        ("TIMETABLE", timetable(requested_minutes=[1e-9])),
        ("TIMETABLE", timetable(active_minutes=[True])),
        ("TIMETABLE", timetable(look_again_minutes={"35": 1})),
        ("TIMETABLE", timetable(grace_seconds=-1)),
        ("TIMETABLE", timetable(grace_seconds="60")),
        ("TIMETABLE", timetable(guess_minutes=0)),
        ("TIMETABLE", timetable().replace("30", "NaN")),
        ("TIMETABLE", timetable().replace('"guess_minutes"', '"x"')),
        ("WEBHOOK_RETRY_MINUTES", DEEP),
        ("WEBHOOK_RETRY_MINUTES", "[true]"),
        ("WEBHOOK_RETRY_MINUTES", f"[{10**15}]"),
        ("CODE_RETENTION_DAYS", str(10**12)),
        ("CODE_RETENTION_DAYS", "40000"),
        ("EVIDENCE_RETENTION_DAYS", str(10**12)),
        ("STOREFRONT_RATE_LIMIT", "0"),
        ("DOKU_TIMEOUT_SECONDS", "nan"),
        ("DOKU_BASE_URL", "https://api.doku.com?x=1"),
        ("DOKU_BASE_URL", "https://user@api.doku.com"),
        ("DOKU_BASE_URL", "https://api.doku.com:port"),
        ("DOKU_BASE_URL", "https://api.d\u00f6ku.com"),
        ("DOKU_BASE_URL", " https://api.doku.com"),
        ("PUBLIC_URL", "https://pay.example.com#x"),
        ("PUBLIC_URL", "https://pay.example.com\n/a"),
        ("PUBLIC_URL", "https://p\u00e4y.example.com"),
        ("PUBLIC_URL", "https://:443"),
        ("OVERRIDE_NOTIFICATION_URL", "https:///doku/notifications"),
        ("OVERRIDE_NOTIFICATION_URL", "https://oth\u00ebr.example/doku/notifications"),
        ("OVERRIDE_NOTIFICATION_URL", "https://other.example/doku/notifications?a=b"),
        ("REPORT_COLUMNS", ""),
        ("REPORT_COLUMNS", DEEP),
        ("REPORT_COLUMNS", '["storefront"]'),
        ("REPORT_COLUMNS", '{"customer": "Customer"}'),
        ("REPORT_COLUMNS", '{"STOREFRONT": "Shop"}'),
        ("REPORT_COLUMNS", '{"storefront": 5}'),
        ("REPORT_COLUMNS", '{"storefront": null}'),
        ("REPORT_COLUMNS", '{"storefront": ""}'),
        ("REPORT_COLUMNS", '{"storefront": "Shop "}'),
        ("REPORT_COLUMNS", '{"storefront": "\\ud83d"}'),
        ("REPORT_COLUMNS", json.dumps({"storefront": "k" * 65})),
        ("REPORT_COLUMNS", '{"storefront": "Shop", "invoice_number": "Shop"}'),
    ],
)
def test_a_value_that_nothing_can_live_by_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(InvalidConfiguration, match=f"^{variable}: "):
        read(variable, value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CHANNELS", channel(merchant_path=None)),
        ("TIMETABLE", timetable(grace_seconds=0, guess_minutes=0.5)),
        ("CODE_RETENTION_DAYS", "3650"),
        ("EVIDENCE_RETENTION_DAYS", "36500"),
        ("DOKU_BASE_URL", "http://127.0.0.1:8080/"),
        ("DOKU_BASE_URL", "http://[::1]:8080"),
        ("PUBLIC_URL", "https://pay.example.com/base"),
        ("OVERRIDE_NOTIFICATION_URL", "https://other.example.com/v1/doku/notifications"),
        ("REPORT_COLUMNS", "{}"),
        ("REPORT_COLUMNS", '{"invoice_number": "Shop\'s number", "storefront": "Shop"}'),
    ],
)
def test_what_makes_sense_is_taken(variable: str, value: str) -> None:
    assert read(variable, value) is not None
