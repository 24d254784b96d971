"""Every command runs with the rights that the template's policies give to operators."""

from typing import Any

import botocore.handlers
import pytest
from typer.testing import CliRunner

from local.permissions import arn, requests_of
from tests.repository.test_commands import READING
from tests.template.permissions import REGION, Roles

ROLES = Roles()
ARNS = {
    "AWS::Partition": "aws",
    "Archive": arn("s3", "archive", REGION),
    "Books": arn("s3", "books", REGION),
    "AWS::Region": REGION,
    # Any: what is said of a stack that does not exist is not about rights.
    "AWS::StackId": arn("cloudformation", "*", REGION),
    "DokuSecret": arn("secretsmanager", "doku", REGION),
    "EventBus": arn("events", "events", REGION),
    "SigningSecret": arn("secretsmanager", "signing", REGION),
    "Table": arn("dynamodb", "o2o-table", REGION),
    "UsagePlan": "plan01",
    "WebhookSecret": arn("secretsmanager", "webhooks", REGION),
    **{
        f"{name}Queue": arn("sqs", name, REGION)
        for name in (
            *("EventDeadLetter", "Reconcile", "ReconcileDeadLetter"),
            *("ScheduleDeadLetter", "Webhook", "WebhookDeadLetter"),
        )
    },
}
"""What the tests call the template's resources."""


@pytest.fixture(autouse=True)
def as_an_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge every call of a command; one that changes nothing has the first policy only."""
    under_way: list[bool] = []
    invoke = CliRunner.invoke

    def judged(self: CliRunner, app: Any, args: Any = None, **options: Any) -> Any:
        words = " ".join(map(str, args or ()))
        under_way.append(not any(f" {command}" in f" {words}" for command in READING))
        try:
            return invoke(self, app, args, **options)
        finally:
            under_way.pop()

    def judge(params: dict[str, Any], model: Any, **_: object) -> None:
        if under_way:
            for request in requests_of(
                model.service_model.service_name, model.name, params, REGION
            ):
                ROLES.check_operator(request, ARNS, changes=under_way[-1])

    monkeypatch.setattr(CliRunner, "invoke", judged)
    monkeypatch.setattr(
        botocore.handlers,
        "BUILTIN_HANDLERS",
        [*botocore.handlers.BUILTIN_HANDLERS, ("provide-client-params.*.*", judge)],
    )
