"""Nothing that failed gets lost, and nothing is tried twice at once."""

import json
from typing import Any

import pytest

from tests.template.model import Template

FOURTEEN_DAYS = 14 * 24 * 3600


def test_a_message_stays_hidden_for_six_time_outs(template: Template) -> None:
    for mapping in queue_mappings(template):
        queue = template.resources[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
        function = callee(template, mapping)
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"] + window


def test_a_message_gets_five_attempts_then_a_dead_letter_queue(template: Template) -> None:
    queues = template.of_type("AWS::SQS::Queue")
    for mapping in queue_mappings(template):
        redrive = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] >= 5
        assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] in dead_letter_queues(template)


def test_a_new_event_outlives_hours_in_which_its_function_can_not_run(template: Template) -> None:
    """Throttled calls count as receives, and nothing but the queue brings a new event."""
    queue = template.resources["WebhookQueue"]["Properties"]
    hours = queue["RedrivePolicy"]["maxReceiveCount"] * queue["VisibilityTimeout"] / 3600
    assert hours >= 4
    assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS


def test_one_failed_message_does_not_fail_its_batch(template: Template) -> None:
    for mapping in template.of_type("AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_whole_batch_can_wait_for_doku_within_the_time_out(template: Template) -> None:
    longest = template.source["Parameters"]["DokuTimeoutSeconds"]["MaxValue"]
    for mapping in mappings_of(template, "ReconcileCodesFunction"):
        assert mapping["BatchSize"] * longest < callee(template, mapping)["Timeout"]
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "ReconcileConcurrency"}}


def test_nobody_who_waits_waits_for_another_one_s_code(template: Template) -> None:
    sizes = {
        mapping["EventSourceArn"]["Fn::GetAtt"][0]: mapping["BatchSize"]
        for mapping in mappings_of(template, "ReconcileCodesFunction")
    }
    assert sizes == {"AwaitedQueue": 1, "ReconcileQueue": 5}


def test_an_endpoint_that_hangs_is_given_up_within_the_time_out(template: Template) -> None:
    longest = template.source["Parameters"]["WebhookTimeoutSeconds"]["MaxValue"]
    mapping = mapping_of(template, "DeliverWebhooksFunction")
    # The entries of a batch are delivered side by side.
    assert longest + 10 < callee(template, mapping)["Timeout"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "WebhookConcurrency"}}


def test_one_bad_record_does_not_block_the_stream(template: Template) -> None:
    mapping = mapping_of(template, "PublishEventsFunction")
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] <= 100
    assert 0 < mapping["MaximumRecordAgeInSeconds"] < 24 * 3600
    destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination == {"Fn::GetAtt": ["EventDeadLetterQueue", "Arn"]}


def test_new_and_changed_codes_and_closed_days_wake_the_publisher_and_nothing_else(
    template: Template,
) -> None:
    mapping = mapping_of(template, "PublishEventsFunction")
    (wanted,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(wanted["Pattern"]) == {
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"Keys": {"sk": {"S": ["CODE", "EDITION"]}}},
    }


def test_nothing_stands_between_the_publisher_and_the_webhook_queue(template: Template) -> None:
    variables = template.functions["PublishEventsFunction"]["Environment"]["Variables"]
    assert variables["WEBHOOK_QUEUE_URL"] == {"Ref": "WebhookQueue"}
    # The bus is for outsiders.
    assert not template.of_type("AWS::Events::Rule")
    assert not template.of_type("AWS::SQS::QueuePolicy")


def test_dead_letters_wait_for_fourteen_days_and_ring(template: Template) -> None:
    watched = {
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        # NumberOfMessagesSent would not count what a redrive policy moves.
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        and alarm["Threshold"] == 0
        and alarm["ComparisonOperator"] == "GreaterThanThreshold"
    }
    assert watched == dead_letter_queues(template)
    for name in watched:
        queue = template.resources[name]["Properties"]
        assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS


def test_every_dead_letter_queue_is_somebodys(template: Template) -> None:
    schedules = template.of_type("AWS::Scheduler::Schedule").values()
    invocations = template.of_type("AWS::Lambda::EventInvokeConfig").values()
    targets = [
        queue["RedrivePolicy"]["deadLetterTargetArn"]
        for queue in template.of_type("AWS::SQS::Queue").values()
        if "RedrivePolicy" in queue
    ]
    targets += [schedule["Target"]["DeadLetterConfig"]["Arn"] for schedule in schedules]
    streams = [
        mapping
        for mapping in template.of_type("AWS::Lambda::EventSourceMapping").values()
        if "DestinationConfig" in mapping
    ]
    targets += [
        each["DestinationConfig"]["OnFailure"]["Destination"] for each in (*invocations, *streams)
    ]
    assert {target["Fn::GetAtt"][0] for target in targets} == dead_letter_queues(template)


def test_queues_are_encrypted(template: Template) -> None:
    for name, queue in template.of_type("AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True, name


@pytest.mark.parametrize(
    ("function", "rate", "minutes"),
    [("expire-codes", "rate(1 minute)", 1), ("close-books", "rate(10 minutes)", 10)],
)
def test_a_schedule_s_runs_do_not_pile_up(
    template: Template, function: str, rate: str, minutes: int
) -> None:
    # Its name is the only physical one: SAM would give it the same in every stack.
    (schedule,) = (
        each
        for each in template.of_type("AWS::Scheduler::Schedule").values()
        if each["Name"] == {"Fn::Sub": f"${{AWS::StackName}}-{function}"}
    )
    assert schedule["ScheduleExpression"] == rate
    assert schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] <= minutes * 60
    (invocation,) = (
        each
        for each in template.of_type("AWS::Lambda::EventInvokeConfig").values()
        if each["FunctionName"]["Ref"].startswith(function.title().replace("-", ""))
    )
    assert invocation["MaximumRetryAttempts"] == 0
    assert callee(template, invocation)["Timeout"] <= minutes * 60


def queue_mappings(template: Template) -> list[dict[str, Any]]:
    mappings = template.of_type("AWS::Lambda::EventSourceMapping").values()
    queues = template.of_type("AWS::SQS::Queue")
    return [each for each in mappings if each["EventSourceArn"]["Fn::GetAtt"][0] in queues]


def mapping_of(template: Template, function: str) -> dict[str, Any]:
    (mapping,) = mappings_of(template, function)
    return mapping


def mappings_of(template: Template, function: str) -> list[dict[str, Any]]:
    return [
        each
        for each in template.of_type("AWS::Lambda::EventSourceMapping").values()
        if each["FunctionName"]["Ref"] == f"{function}Aliaslive"
    ]


def callee(template: Template, caller: dict[str, Any]) -> dict[str, Any]:
    name = caller["FunctionName"]["Ref"].removesuffix("Aliaslive")
    return template.functions[name]


def dead_letter_queues(template: Template) -> set[str]:
    return {name for name in template.of_type("AWS::SQS::Queue") if "DeadLetter" in name}
