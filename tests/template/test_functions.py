"""What must hold of each function."""

from typing import Any

from benchmarks import first_call, functions
from o2o.entry import settings
from o2o.entry.settings import codes, webhooks
from tests.template.model import ROOT, Template
from tools.artefacts import snapshot_functions

API_GATEWAY_WAITS_SECONDS = 29


def test_every_folder_is_a_function_and_every_function_a_folder(template: Template) -> None:
    written = {function["CodeUri"] for function in template.written_functions.values()}
    folders = {f"functions/{path.parent.name}" for path in ROOT.glob("functions/*/app.py")}
    assert written == folders


def test_a_function_is_named_after_its_folder(template: Template) -> None:
    for name, function in template.written_functions.items():
        folder = function["CodeUri"].removeprefix("functions/")
        assert name == "".join(word.capitalize() for word in folder.split("_")) + "Function"


def test_all_run_the_same_python_on_arm(template: Template) -> None:
    for function in template.functions.values():
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["arm64"]
        assert function["Handler"] == "app.lambda_handler"
        assert set(function["LoggingConfig"]) == {"LogFormat", "LogGroup"}
        assert function["LoggingConfig"]["LogFormat"] == "Text"
    (layer,) = template.of_type("AWS::Lambda::LayerVersion").values()
    assert layer["CompatibleRuntimes"] == ["python3.13"]
    assert layer["CompatibleArchitectures"] == ["arm64"]


def test_all_use_the_one_layer(template: Template) -> None:
    (layer,) = template.of_type("AWS::Lambda::LayerVersion")
    for function in template.functions.values():
        assert function["Layers"] == [{"Ref": layer}]


def test_every_function_says_its_time_out(template: Template) -> None:
    for name, function in template.written_functions.items():
        assert function["Timeout"] > 3, name


def test_the_api_outwaits_whatever_it_calls(template: Template) -> None:
    for name in called_by_api(template):
        assert template.functions[name]["Timeout"] < API_GATEWAY_WAITS_SECONDS, name


def test_doku_may_take_its_time_and_the_function_still_answers(template: Template) -> None:
    longest = template.source["Parameters"]["DokuTimeoutSeconds"]["MaxValue"]
    for name, function in template.functions.items():
        if "DOKU_TIMEOUT_SECONDS" in environment(function):
            assert function["Timeout"] >= longest + 5, name


# For these a person or DOKU waits, often as the first of a quiet hour.
FROM_A_SNAPSHOT = {
    "AnswerInquiryFunction",
    "AuthorizeStorefrontFunction",
    "GenerateCodeFunction",
    "ReceiveNotificationFunction",
    "ShowCodeFunction",
}


def test_what_somebody_waits_for_starts_from_a_snapshot_and_nothing_else(
    template: Template,
) -> None:
    """AWS bills each snapshot by the hour, called or not."""
    for name, function in template.functions.items():
        expected = {"ApplyOn": "PublishedVersions"} if name in FROM_A_SNAPSHOT else None
        if name != "AnswerInquiryFunction":
            assert function.get("SnapStart") == expected, name
    assert set(template.functions) >= FROM_A_SNAPSHOT


def test_the_first_call_of_every_function_with_a_snapshot_is_measured(template: Template) -> None:
    functions = template.written_functions
    folders = {functions[name]["CodeUri"] for name in snapshot_functions()}
    assert {f"functions/{case.function}" for case in first_call.CASES} == folders


WAITING_FOR_OTHERS = {"DeliverWebhooksFunction", "ReconcileCodesFunction"}
"""In the background, and most of their time they wait for somebody else's answer."""


def test_memory_is_what_was_measured_with_much_to_spare(template: Template) -> None:
    """A snapshot is billed by the function's memory; a start without one takes a processor."""
    waited_for = called_by_api(template)
    for name, function in template.functions.items():
        if name == "CloseBooksFunction":
            # The messages of a day of a million payments, by their digests.
            assert function["MemorySize"] == 2048
            continue
        others = 256 if name in WAITING_FOR_OTHERS else 512
        cold = name in waited_for - FROM_A_SNAPSHOT
        assert function["MemorySize"] == (1024 if cold else others), name
    needs = functions.read()
    for name, function in template.written_functions.items():
        peak_mb = needs[function["CodeUri"].removeprefix("functions/")].peak_mb
        assert peak_mb <= template.functions[name]["MemorySize"] / 4


def test_a_version_goes_once_the_alias_has_left_it(template: Template) -> None:
    """Its snapshot would be billed for as long as it is there."""
    for name, resource in template.resources.items():
        if resource["Type"] == "AWS::Lambda::Version":
            assert resource["DeletionPolicy"] == "Delete", name


def test_inquiries_start_from_a_snapshot_or_never(template: Template) -> None:
    """Lambda refuses provisioned concurrency for a function with snapshots."""
    function = template.functions["AnswerInquiryFunction"]
    condition = "StartsInquiriesFromSnapshot"
    assert function["SnapStart"] == {
        "ApplyOn": {"Fn::If": [condition, "PublishedVersions", "None"]}
    }
    aliases = template.of_type("AWS::Lambda::Alias")
    provisioned = aliases.pop("AnswerInquiryFunctionAliaslive")["ProvisionedConcurrencyConfig"]
    assert provisioned["Fn::If"][:2] == [condition, {"Ref": "AWS::NoValue"}]
    assert not any("ProvisionedConcurrencyConfig" in alias for alias in aliases.values())
    parameter = template.source["Parameters"]["InquiryProvisionedConcurrency"]
    assert parameter["Default"] == 0
    assert template.source["Conditions"][condition] == {
        "Fn::Equals": [{"Ref": "InquiryProvisionedConcurrency"}, "0"]
    }


def test_only_doku_has_places_of_its_own_and_only_if_asked_for(template: Template) -> None:
    """AWS refuses to reserve any in an account whose quota is small."""
    reserved = {
        name: function["ReservedConcurrentExecutions"]
        for name, function in template.functions.items()
        if "ReservedConcurrentExecutions" in function
    }
    expected = {
        "AnswerInquiryFunction": ("ReservesInquiries", "InquiryReservedConcurrency"),
        "ReceiveNotificationFunction": (
            "ReservesNotifications",
            "NotificationReservedConcurrency",
        ),
    }
    assert reserved == {
        name: {"Fn::If": [condition, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]}
        for name, (condition, parameter) in expected.items()
    }
    for condition, parameter in expected.values():
        assert template.source["Parameters"][parameter]["Default"] == 0
        assert template.source["Conditions"][condition] == {
            "Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, "0"]}]
        }


def test_every_caller_calls_the_published_version(template: Template) -> None:
    """A snapshot, a canary and a way back exist for the alias only."""
    permitted = template.of_type("AWS::Lambda::Permission").values()
    mapped = template.of_type("AWS::Lambda::EventSourceMapping").values()
    callees = [each["FunctionName"] for each in (*permitted, *mapped)]
    callees += [
        each["Target"]["Arn"] for each in template.of_type("AWS::Scheduler::Schedule").values()
    ]
    aliases = template.of_type("AWS::Lambda::Alias")
    assert {callee["Ref"] for callee in callees} == set(aliases)
    assert {alias["Name"] for alias in aliases.values()} == {"live"}
    assert len(aliases) == len(template.functions)


def test_a_change_in_the_layer_alone_publishes_every_function(template: Template) -> None:
    for name, function in template.written_functions.items():
        assert function["AutoPublishCodeSha256"] == {"Ref": "BuildHash"}, name
    for name, function in template.functions.items():
        assert environment(function)["BUILD_HASH"] == {"Ref": "BuildHash"}, name
    # The first ten characters of the hash are in the version's own name.
    for version in template.of_type("AWS::Lambda::Version"):
        assert version.endswith("Version0123456789")


def test_prod_rolls_out_by_canary_unless_it_can_not_wait(template: Template) -> None:
    gradually = {
        "Fn::And": [{"Condition": "IsProd"}, {"Fn::Equals": [{"Ref": "RollOut"}, "gradual"]}]
    }
    assert template.source["Conditions"]["RollsOutGradually"] == gradually
    groups = template.of_type("AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == len(template.functions)
    for group in groups.values():
        condition, by_canary, at_once = group["DeploymentConfigName"]["Fn::If"]
        assert condition == "RollsOutGradually"
        assert "Canary" in str(by_canary)
        assert "AllAtOnce" in str(at_once)
        condition, _, unwatched = group["AlarmConfiguration"]["Fn::If"]
        assert (condition, unwatched) == ("RollsOutGradually", {})


READS = {
    "answer_inquiry": codes.InboxSettings,
    "authorize_storefront": settings.AuthorizeSettings,
    "browse_events": settings.BrowseEventsSettings,
    "cancel_code": codes.LifeSettings,
    "close_books": settings.CloseBooksSettings,
    "deliver_webhooks": webhooks.DeliverSettings,
    "describe_api": settings.DescribeSettings,
    "expire_codes": settings.ExpireSettings,
    "explain_payment": codes.ExplainSettings,
    "generate_code": codes.GenerateSettings,
    "publish_events": settings.PublishSettings,
    "read_books": settings.Settings,
    "read_codes": codes.ReadSettings,
    "read_payments": settings.Settings,
    "receive_notification": codes.ReceiveSettings,
    "reconcile_codes": codes.ReconcileSettings,
    "refresh_code": codes.ReconcileSettings,
    "resolve_payment": codes.LifeSettings,
    "show_code": codes.ShowSettings,
}


def test_a_function_is_told_what_its_settings_read_and_no_more(template: Template) -> None:
    told = {
        function["CodeUri"].removeprefix("functions/"): set(
            function.get("Environment", {}).get("Variables", {})
        )
        for function in template.written_functions.values()
    }
    assert told == {
        folder: {name.upper() for name in kind.names()} - {"TABLE_NAME", "READABLE_BY_01"}
        for folder, kind in READS.items()
    }


def test_every_function_has_a_log_group_of_its_own_that_forgets(template: Template) -> None:
    groups = template.of_type("AWS::Logs::LogGroup")
    used = [
        function["LoggingConfig"]["LogGroup"]["Ref"] for function in template.functions.values()
    ]
    assert len(set(used)) == len(template.functions)
    assert set(used) <= set(groups)
    for name, group in groups.items():
        assert group["RetentionInDays"] == {
            "Fn::FindInMap": ["ByStage", "LogRetentionDays", {"Ref": "Stage"}]
        }, name
    stages = template.source["Parameters"]["Stage"]["AllowedValues"]
    assert set(template.source["Mappings"]["ByStage"]["LogRetentionDays"]) == set(stages)


def environment(function: dict[str, Any]) -> dict[str, Any]:
    variables: dict[str, Any] = function["Environment"]["Variables"]
    return variables


def called_by_api(template: Template) -> set[str]:
    return {
        permission["FunctionName"]["Ref"].removesuffix("Aliaslive")
        for permission in template.of_type("AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    }
