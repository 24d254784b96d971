"""Settings of the functions that the tests of handlers and of bytes share."""

from typing import Any

CHANNELS: dict[str, dict[str, Any]] = {
    "alfa": {
        "path": "/alfa-online-to-offline/v2/payment-code",
        "merchant_path": "/alfa-online-to-offline/v2/merchant-payment-code",
        "min_amount": 10_000,
        "max_amount": 2_500_000,
        "max_expiry_minutes": 43_200,
    },
    "indomaret": {
        "path": "/indomaret-online-to-offline/v2/payment-code",
        "min_amount": 10_000,
        "max_amount": 5_000_000,
        "max_expiry_minutes": 43_200,
    },
}
BINS: list[dict[str, Any]] = [
    {
        "channel": "alfa",
        "partnership": "aggregator",
        "bin_type": "exclusive",
        "bin": "889955",
    },
]
TIMETABLE: dict[str, Any] = {
    "requested_minutes": [1, 2, 5, 15, 60],
    "active_minutes": [15, 60, 180, 360, 720, 1440],
    "inquired_minutes": [1.5, 5, 12],
    "grace_seconds": 60,
    "guess_minutes": 30,
    "look_again_minutes": [35, 1080],
}
