"""Every alarm rings for one event on a quiet day, and for none on a quiet or a busy one.

A merchant with one payment a day is told as well as one with ten thousand.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.template.cloudwatch import DAY, Metrics, Samples, metrics_of, rings
from tests.template.model import Template

AT = 10 * 60 + 3
"""When the event happens, in minutes of the day."""

SECONDS = 1000.0


def once(value: float = 1.0, minute: int = AT) -> Samples:
    return {minute: [value]}


def from_then_on(values: list[float]) -> Samples:
    """One value a minute."""
    return {AT + minute: [value] for minute, value in enumerate(values)}


def each(minutes: int, *values: float) -> Samples:
    """The same values every so many minutes, all day."""
    return {minute: list(values) for minute in range(0, DAY, minutes)}


def merged(*all_: Samples) -> Samples:
    return {
        minute: [value for samples in all_ for value in samples.get(minute, ())]
        for minute in range(DAY)
    }


WAITS = [60.0 * minute for minute in range(40)]
"""Seconds that one thing has waited, minute by minute."""

# One event, by metric: the least that somebody must hear of.
EVENTS: dict[str, Samples] = {
    "Errors": once(),
    "Throttles": once(),
    "Duration": once(0.9),  # as a share of the time-out
    "5XXError": once(),
    "Latency": once(2.5 * SECONDS),
    "IteratorAge": once(65 * SECONDS),
    "ApproximateNumberOfMessagesVisible": from_then_on([1.0] * 60),
    "ApproximateAgeOfOldestMessage": from_then_on(WAITS),
    "CodesOverdueSeconds": from_then_on(WAITS),
    "EventsOverdueSeconds": from_then_on(WAITS),
    "ApiKeyRejected": once() | {AT + 1: [1.0] * 4},
    "CodeUnconfirmed": once(),
    "DokuChannelInactive": once(),
    "DokuCredentialsRejected": once(),
    "BooksDifferences": once(),
    "BooksOpenSeconds": once(40 * 3600.0),
    "DokuFirewall": once(),
    "DokuPathUnknown": once(),
    # One code meets an outage of an hour, by the timetable of `requested`.
    "DokuUnavailable": {AT + minute: [1.0] for minute in (0, 1, 2, 5, 15, 60)},
    "EventUnannounced": once(),
    "InquiryForUsRejected": once(),
    "InquiryInvalidSignature": once() | {AT + 1: [1.0] * 4},
    "NotificationForUsRejected": once(),
    "NotificationRejected": once() | {AT + 1: [1.0] * 4},
    "NotificationUnmatched": once(),
    "NotificationUnreadable": once(),
    "PaymentAgain": once(),
    "PaymentAmountMismatch": once(),
    "PaymentDigitsMismatch": once(),
    "PaymentFoundByStatusCheck": once(),
    "PaymentRefunded": once(),
    "PaymentUncertain": once(),
    "PaymentsUnresolved": once(),
    "ReconciledUnreadable": once(),
    "ReadThrottleEvents": once(),
    "UnexpectedError": once(),
    "WebhookEndpointPaused": once(),
    "WriteThrottleEvents": once(),
}

GOOD = {"DokuAnswered", "NotificationCompleted", "PaymentNotified"}
"""Metrics that hold an alarm back."""

# A day with one code, one payment, and the heartbeat. What is not here has no datapoint.
QUIET: dict[str, Samples] = {
    "BooksDifferences": each(10, 0.0),
    "BooksOpenSeconds": each(10, 19 * 3600.0),
    "PaymentsUnresolved": each(10, 0.0),
    "Errors": once(0.0),
    "Throttles": once(0.0),
    "Duration": once(0.3),
    "5XXError": {AT - 200 + minute: [0.0] for minute in range(30)},
    "Latency": once(1.2 * SECONDS),
    "IteratorAge": once(900.0),
    "ApproximateNumberOfMessagesVisible": each(1, 0.0),
    "ApproximateAgeOfOldestMessage": each(1, 0.0),
    "CodesOverdueSeconds": each(1, 0.0),
    "EventsOverdueSeconds": each(1, 0.0),
    "DokuAnswered": once(minute=AT - 120),
    "PaymentNotified": once(minute=AT - 100),
}

# A day with some thirty thousand payments, on which nothing is wrong that somebody must hear of.
BUSY: dict[str, Samples] = {
    "BooksDifferences": each(10, 0.0),
    "BooksOpenSeconds": each(10, 20 * 3600.0),
    "PaymentsUnresolved": each(10, 0.0),
    "ApiKeyRejected": each(5, 1.0, 1.0),
    "Errors": each(1, *[0.0] * 40),
    "Throttles": each(1, *[0.0] * 40),
    "Duration": merged(each(1, *[0.1] * 40), once(0.95)),
    "5XXError": merged(each(1, *[0.0] * 200), each(5, 1.0)),
    "Latency": merged(each(1, *[300.0] * 20), each(20, 2.2 * SECONDS)),
    "IteratorAge": each(1, 200.0, 900.0, 3 * SECONDS),
    "ApproximateNumberOfMessagesVisible": each(1, 0.0),
    "ApproximateAgeOfOldestMessage": each(1, 40.0),
    "CodesOverdueSeconds": each(1, 55.0),
    "EventsOverdueSeconds": each(1, 55.0),
    "DokuAnswered": each(1, *[1.0] * 40),
    "DokuUnavailable": each(3, 1.0),
    "InquiryInvalidSignature": each(60, 1.0),
    "NotificationCompleted": each(10, 1.0),
    "NotificationRejected": each(60, 1.0),
    "PaymentFoundByStatusCheck": each(10, 1.0),
    "PaymentNotified": each(1, *[1.0] * 20),
}

WITHOUT_A_BEAT = {"ExpireCodesSilent"}
"""Rings where nothing is."""


def test_every_metric_that_an_alarm_watches_has_its_event(template: Template) -> None:
    watched = {
        metric["MetricName"]
        for alarm in alarms(template).values()
        for metric in metrics_of(alarm).values()
    }
    assert watched == set(EVENTS) | GOOD
    assert set(QUIET) | set(BUSY) <= watched


def test_one_event_on_a_quiet_day_rings(template: Template) -> None:
    silent = []
    for name, alarm in alarms(template).items():
        if name in WITHOUT_A_BEAT:
            continue
        for key, metric in metrics_of(alarm).items():
            if metric["MetricName"] in GOOD:
                continue
            day = day_of(template, alarm, QUIET)
            event = scaled(template, metric, EVENTS[metric["MetricName"]])
            ringing = rings(alarm, day | {key: merged(day[key], event)})
            if not ringing or not AT <= ringing[0] <= AT + 60:
                silent.append((name, metric["MetricName"]))
    assert silent == []


@pytest.mark.parametrize("normal", [{}, QUIET, BUSY], ids=["dead", "quiet", "busy"])
def test_a_day_on_which_nothing_is_wrong_rings_nothing(
    template: Template, normal: dict[str, Samples]
) -> None:
    ringing = [
        name
        for name, alarm in alarms(template).items()
        if normal or name not in WITHOUT_A_BEAT
        if rings(alarm, day_of(template, alarm, normal))
    ]
    assert ringing == []


def test_the_heartbeat_that_stops_rings_within_ten_minutes(template: Template) -> None:
    (name,) = WITHOUT_A_BEAT
    alarm = alarms(template)[name]
    (key,) = metrics_of(alarm)
    beats = {minute: [0.0] for minute in range(DAY) if not AT <= minute < AT + 30}
    ringing = rings(alarm, {key: beats})
    assert AT + 5 <= ringing[0] <= AT + 10
    assert ringing[-1] <= AT + 35


@pytest.mark.parametrize("name", ["NotificationsRejected", "InquiriesRejected", "KeysRejected"])
def test_a_stranger_who_tries_once_is_no_news(template: Template, name: str) -> None:
    assert not rings_with(template, name, lambda _: each(60, 1.0, 1.0))


def test_doku_that_stumbles_once_is_no_news(template: Template) -> None:
    stumble = {"DokuUnavailable": once(), "DokuAnswered": once(minute=AT + 1)}
    assert not rings_with(template, "DokuUnavailableOften", lambda name: stumble.get(name, {}))


def test_doku_that_is_away_on_a_busy_day_rings_in_a_quarter_of_an_hour(template: Template) -> None:
    away = range(AT, AT + 60)
    ringing = rings_with(
        template,
        "DokuUnavailableOften",
        lambda name: {
            minute: [1.0] * 40 for minute in range(DAY) if (minute in away) == (name[4] == "U")
        },
    )
    assert AT <= ringing[0] <= AT + 16
    # It stops ringing within the hour after DOKU is back.
    assert ringing[-1] <= AT + 120


def test_a_status_check_that_came_a_moment_before_the_notification_is_no_news(
    template: Template,
) -> None:
    race = {"PaymentFoundByStatusCheck": once(), "NotificationCompleted": once(minute=AT + 1)}
    assert not rings_with(template, "PaymentsFoundByStatusCheck", lambda name: race.get(name, {}))


def test_a_channel_that_notifies_nothing_rings_beside_one_that_does(template: Template) -> None:
    """Each channel has a notification URL of its own at DOKU."""
    for minutes in (1, 20, 120, 500):
        half: dict[str, Samples] = {
            "PaymentNotified": each(minutes, 1.0),
            "PaymentFoundByStatusCheck": {
                minute + minutes // 2: values for minute, values in each(minutes, 1.0).items()
            },
            "NotificationCompleted": {},
        }
        assert rings_with(template, "PaymentsFoundByStatusCheck", half.__getitem__), minutes


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    return template.of_type("AWS::CloudWatch::Alarm")


def rings_with(template: Template, name: str, samples: Callable[[str], Samples]) -> list[int]:
    """When an alarm rings on a day with these samples by the metric's name."""
    alarm = alarms(template)[name]
    day = {key: samples(metric["MetricName"]) for key, metric in metrics_of(alarm).items()}
    return rings(alarm, day)


def day_of(template: Template, alarm: dict[str, Any], normal: dict[str, Samples]) -> Metrics:
    return {
        key: scaled(template, metric, normal.get(metric["MetricName"], {}))
        for key, metric in metrics_of(alarm).items()
    }


def scaled(template: Template, metric: Any, samples: Samples) -> Samples:
    """Durations are given as shares of the function's time-out."""
    if metric["MetricName"] != "Duration":
        return samples
    (dimension,) = metric["Dimensions"]
    time_out = template.functions[dimension["Value"]["Ref"]]["Timeout"] * SECONDS
    return {minute: [time_out * value for value in values] for minute, values in samples.items()}
