"""The settings of what delivers webhooks."""

from datetime import timedelta

from o2o.core.retries import RetrySchedule
from o2o.entry.settings import (
    Setting,
    Settings,
    parse_duration,
    parse_flag,
    parse_json,
    parse_seconds,
    parse_text,
)

_MINUTE = timedelta(minutes=1)


def parse_retries(value: str) -> RetrySchedule:
    """``WEBHOOK_RETRY_MINUTES``: the waits between one try and the next, as a JSON list."""
    minutes = parse_json(value, list)
    if not minutes or not all(type(each) is int and each > 0 for each in minutes):
        raise ValueError("must be a JSON list of positive whole minutes")
    return RetrySchedule(tuple(parse_duration(each, _MINUTE) for each in minutes))


class DeliverSettings(Settings):
    """For ``deliver_webhooks``."""

    signing_secret_name = Setting(parse_text)
    webhook_secret_name = Setting(parse_text)
    webhook_dead_letter_queue_url = Setting(parse_text)
    webhook_retry_minutes = Setting(parse_retries)
    webhook_timeout_seconds = Setting(parse_seconds)
    webhook_allow_local = Setting(parse_flag)
