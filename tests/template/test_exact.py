"""A role allows what its function uses, and nothing more.

That it allows no less, every test of the functions shows: they run with their roles. This one runs
stories which together use each right, and finds those that none of them needed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from tests.support.documents import ROOT
from tests.template.permissions import Right, Roles

FOLDER = "tests/integration/functions"
STORIES = (
    "test_books.py::test_a_day_is_closed_read_and_told",
    "test_books.py::test_a_run_that_was_killed_before_its_items_is_made_up_for",
    "test_completeness.py::test_a_lost_notification_is_found_90_seconds_after_the_inquiry",
    "test_events.py::test_a_bad_record_is_a_dead_letter_and_those_behind_it_are_events",
    "test_events.py::test_an_undeliverable_event_is_due_until_it_is_a_dead_letter",
    "test_events.py::test_events_are_sent_again",
    "test_events.py::test_one_event_shows_every_attempt",
    "test_failures.py::test_a_time_out_of_aws_is_503_on_every_route",
    "test_failures.py::test_payments_are_taken_while_secrets_manager_is_away",
    "test_features.py::test_a_cancelled_code_is_declined",
    "test_features.py::test_merchant_made_digits_are_registered_at_their_own_path",
    "test_features.py::test_payments_are_paged",
    "test_functions.py::test_a_key_opens_the_door_until_it_is_revoked",
    "test_functions.py::test_the_list_shows_the_storefront_s_own",
    "test_page.py::test_a_link_leads_to_the_other_page_from_an_address_with_a_slash",
    "test_payments.py",
    "test_proof.py::test_a_success_that_can_t_be_read_is_never_expired_and_goes_to_a_person",
    "test_queries.py::test_what_others_open_takes_any_parameter",
    "test_roles.py",
    "test_roll_out.py::test_a_version_that_can_do_its_work_gets_calls",
)
"""Together they use every right: add the story of a new one."""

BY_AWS = {
    "codedeploy:PutLifecycleEventHookExecutionStatus": "the tests' CodeDeploy is no client of AWS",
    "dynamodb:DescribeStream": "Lambda reads the stream for the function",
    "dynamodb:GetRecords": "the same",
    "dynamodb:GetShardIterator": "the same",
    "dynamodb:ListStreams": "the same",
    "logs:CreateLogStream": "Lambda writes what a function prints",
    "logs:PutLogEvents": "the same",
}
"""What no function does itself, and why its role has it."""

OF_LAMBDA = {
    # What the function failed to do is kept there.
    Right("close_books", "sqs:SendMessage", "ScheduleDeadLetterQueue"),
    Right("expire_codes", "sqs:SendMessage", "ScheduleDeadLetterQueue"),
    # Messages are taken from the queue for the function.
    *(
        Right(function, f"sqs:{action}", queue)
        for function, queue in (
            ("deliver_webhooks", "WebhookQueue"),
            ("reconcile_codes", "AwaitedQueue"),
            ("reconcile_codes", "ReconcileQueue"),
        )
        for action in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
    ),
}
"""What Lambda does in the function's name."""


def unneeded(allowed: AbstractSet[Right], used: AbstractSet[Right]) -> set[Right]:
    """The rights that neither a function nor AWS for it needs."""
    return {each for each in allowed - used - OF_LAMBDA if each.action not in BY_AWS}


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> set[Right]:
    """The rights that the stories used."""
    found = tmp_path_factory.mktemp("rights") / "rights.json"
    stories = [f"{FOLDER}/{each}" for each in STORIES]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.rights", *stories],
        cwd=ROOT,
        env=os.environ | {"O2O_RIGHTS": str(found)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return {Right(*each) for each in json.loads(Path(found).read_text("utf-8"))}


def test_no_role_has_a_right_that_nobody_needs(used: set[Right]) -> None:
    assert unneeded(Roles().rights(), used) == set()


def test_a_right_too_many_is_found(used: set[Right]) -> None:
    for more in (
        Right("read_codes", "dynamodb:PutItem", "Table", "CODE#*"),
        Right("show_code", "dynamodb:GetItem", "Table", "KEY#*"),
        Right("explain_payment", "secretsmanager:GetSecretValue", "DokuSecret"),
        Right("expire_codes", "sqs:SendMessage", "WebhookDeadLetterQueue"),
    ):
        assert unneeded(Roles().rights() | {more}, used) == {more}


def test_what_aws_does_is_done_by_no_function(used: set[Right]) -> None:
    allowed = Roles().rights()
    assert sorted(each for each in used if each.action in BY_AWS or each in OF_LAMBDA) == []
    assert {each.action for each in allowed} >= set(BY_AWS)
    assert allowed >= OF_LAMBDA
