"""AWS's list prices in US dollars, without the free tier: what `benchmarks.costs` reckons with.

Prices are those of Jakarta (ap-southeast-3) where a list of them was at hand, and elsewhere those
that AWS's pages show first, N. Virginia's (us-east-1); some are higher in Jakarta. The day is that
of the list, or, where it bears none, the day on which it was looked up. Compare with the page
before you rely on one, and mend it here: every sum follows. A month has 30 days.
"""

from dataclasses import dataclass

JAKARTA, VIRGINIA = "ap-southeast-3", "us-east-1"
SECONDS_A_MONTH = 30 * 24 * 3600
MINUTES_A_MONTH = 30 * 24 * 60


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for some number of units, as AWS states them."""

    usd: float
    per: int
    unit: str
    region: str
    page: str
    """AWS's page, below https://aws.amazon.com/."""
    day: str

    def of(self, units: float) -> float:
        """US dollars for so many units."""
        return units * self.usd / self.per

    def __str__(self) -> str:
        per = "" if self.per == 1 else f"{self.per:,} "
        return f"{self.usd:.10f}".rstrip("0").rstrip(".") + f" / {per}{self.unit}"


_MILLION = 1_000_000
_LAMBDA = "lambda/pricing"
_CLOUDWATCH = "cloudwatch/pricing"
_DYNAMODB = "dynamodb/pricing/on-demand"

SNAPSHOT = Price(0.0000015046, 1, "GB-second", VIRGINIA, _LAMBDA, "2025-10-01")
RESTORE = Price(0.0001397998, 1, "GB", VIRGINIA, _LAMBDA, "2025-10-01")
PROVISIONED = Price(0.0000033334, 1, "GB-second", VIRGINIA, _LAMBDA, "2025-10-01")
LAMBDA_CALL = Price(0.20, _MILLION, "calls", VIRGINIA, _LAMBDA, "2025-10-01")
LAMBDA_TIME = Price(0.0000133334, 1, "GB-second", JAKARTA, _LAMBDA, "2025-10-01")
ALARM_METRIC = Price(0.10, 1, "metric of an alarm", VIRGINIA, _CLOUDWATCH, "2026-05-04")
COMPOSITE_ALARM = Price(0.50, 1, "composite alarm", VIRGINIA, _CLOUDWATCH, "2026-05-04")
METRIC = Price(0.30, 1, "metric", VIRGINIA, _CLOUDWATCH, "2026-05-04")
DASHBOARD = Price(3.00, 1, "dashboard", VIRGINIA, _CLOUDWATCH, "2026-05-04")
FREE_DASHBOARDS = 3
"""For good, in each account, if none has more than 50 metrics; tests/template counts them."""
LOG = Price(0.50, 1, "GB of logs", VIRGINIA, _CLOUDWATCH, "2026-05-04")
LOG_KEPT = Price(0.03, 1, "GB of logs kept", VIRGINIA, _CLOUDWATCH, "2026-05-04")
SECRET = Price(0.40, 1, "secret", VIRGINIA, "secrets-manager/pricing", "2026-11-28")
QUEUE_CALL = Price(0.40, _MILLION, "calls", VIRGINIA, "sqs/pricing", "2026-11-28")
SCHEDULED = Price(1.00, _MILLION, "runs", VIRGINIA, "eventbridge/pricing", "2026-11-28")
EVENT = Price(1.00, _MILLION, "events", VIRGINIA, "eventbridge/pricing", "2026-11-28")
KEY_CALL = Price(0.03, 10_000, "calls", VIRGINIA, "kms/pricing", "2026-11-28")
API_CALL = Price(3.50, _MILLION, "calls", VIRGINIA, "api-gateway/pricing", "2026-11-28")
HTTP_API_CALL = Price(1.00, _MILLION, "calls", VIRGINIA, "api-gateway/pricing", "2026-11-29")
READ_UNIT = Price(0.125, _MILLION, "read units", VIRGINIA, _DYNAMODB, "2026-11-28")
WRITE_UNIT = Price(0.625, _MILLION, "write units", VIRGINIA, _DYNAMODB, "2026-11-28")
STORED = Price(0.25, 1, "GB stored", VIRGINIA, _DYNAMODB, "2026-11-28")
BACKED_UP = Price(0.20, 1, "GB backed up", VIRGINIA, _DYNAMODB, "2026-11-28")
PUT = Price(0.005, 1_000, "objects put", VIRGINIA, "s3/pricing", "2026-11-28")
ARCHIVED = Price(0.023, 1, "GB of objects", VIRGINIA, "s3/pricing", "2026-11-28")
SENT = Price(0.132, 1, "GB sent", JAKARTA, "s3/pricing", "2026-07-04")
