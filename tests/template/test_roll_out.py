"""A roll-out hears of the faults of the version that it tries, and of no other."""

from collections.abc import Iterator
from typing import Any

from tests.template.cloudwatch import Samples, key_of, metrics_of, rings
from tests.template.model import Template

AT = 10 * 60
ONE_FAULT: Samples = {AT: [1.0]}


def test_each_function_has_an_alarm_of_its_own(template: Template) -> None:
    watched = [name for _, name, _ in watched_by_roll_outs(template)]
    assert len(watched) == len(set(watched)) == len(template.functions)


def test_one_fault_of_the_new_version_takes_it_back(template: Template) -> None:
    for function, name, alarm in watched_by_roll_outs(template):
        for metric in faults_of(template, function, build="BuildHash", version=""):
            assert key_of(metric) in metrics_of(alarm), name
            ringing = rings(alarm, {key_of(metric): ONE_FAULT})
            assert AT < ringing[0] <= AT + 2, (name, metric["MetricName"])


def test_faults_of_the_version_before_and_of_other_functions_do_not(template: Template) -> None:
    faults = [
        metric
        for function in template.functions
        for metric in faults_of(template, function, build="BuildHashBefore", version="Before")
    ]
    for function, name, alarm in watched_by_roll_outs(template):
        others = [
            metric
            for other in template.functions
            if other != function
            for metric in faults_of(template, other, build="BuildHash", version="")
        ]
        heard = {key_of(metric) for metric in [*faults, *others]} & set(metrics_of(alarm))
        assert not heard, name


def test_the_alarm_of_a_build_starts_anew(template: Template) -> None:
    """An alarm that is changed keeps its state: the last version's would stop the one after it."""
    names = [alarm["AlarmName"]["Fn::Sub"] for _, _, alarm in watched_by_roll_outs(template)]
    assert len(set(names)) == len(names)
    for name in names:
        assert name.startswith("${AWS::StackName}-")
        assert name.endswith("-${BuildHash}")
        full = name.replace("${AWS::StackName}", "s" * 128).replace("${BuildHash}", "b" * 64)
        assert len(full) <= 255


def test_nothing_is_watched_that_is_not_rolled_out(template: Template) -> None:
    """Such alarms would cost money in stages that take a version at once."""
    for _, name, _ in watched_by_roll_outs(template):
        assert template.source["Resources"][name]["Condition"] == "RollsOutGradually"


KNOW_DOKU_S_SECRET = {
    "AnswerInquiryFunction",
    "GenerateCodeFunction",
    "ReceiveNotificationFunction",
    "ReconcileCodesFunction",
    "RefreshCodeFunction",
}


def test_who_knows_doku_s_secret_is_asked_before_it_gets_calls(template: Template) -> None:
    """With the new code, settings and role: a function's name alone is what was deployed last."""
    asked = set()
    for name, alias in template.resources.items():
        if alias["Type"] != "AWS::Lambda::Alias":
            continue
        hook = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"].get("BeforeAllowTrafficHook")
        if hook:
            function = name.removesuffix("Aliaslive")
            condition, asks, at_once = hook["Fn::If"]
            assert (condition, asks) == ("ChecksVersions", {"Ref": function})
            assert at_once == {"Ref": "AWS::NoValue"}
            asked.add(function)
    assert (
        asked
        == KNOW_DOKU_S_SECRET
        == {
            name
            for name, function in template.functions.items()
            if "DOKU_SECRET_NAME" in function["Environment"]["Variables"]
        }
    )


def test_code_deploy_may_ask_them_and_they_may_answer(template: Template) -> None:
    role = template.resources["RollOutRole"]["Properties"]
    ((statement,),) = (each["PolicyDocument"]["Statement"] for each in role["Policies"])
    assert statement["Action"] == "lambda:InvokeFunction"
    asked = {each["Fn::GetAtt"][0] for each in statement["Resource"]}
    assert asked == KNOW_DOKU_S_SECRET
    for group in template.of_type("AWS::CodeDeploy::DeploymentGroup").values():
        assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["RollOutRole", "Arn"]}
    answering = {
        name.removesuffix("Role") + "Function"
        for name, each in template.of_type("AWS::IAM::Role").items()
        if "codedeploy:PutLifecycleEventHookExecutionStatus" in str(each.get("Policies"))
    }
    assert answering == KNOW_DOKU_S_SECRET


def watched_by_roll_outs(template: Template) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each function, with the name and the properties of the alarm that its roll-out watches."""
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    for name, group in template.of_type("AWS::CodeDeploy::DeploymentGroup").items():
        _, gradually, _ = group["AlarmConfiguration"]["Fn::If"]
        (alarm,) = (each["Name"]["Ref"] for each in gradually["Alarms"])
        yield name.removesuffix("DeploymentGroup"), alarm, alarms[alarm]


def faults_of(
    template: Template, function: str, *, build: str, version: str
) -> Iterator[dict[str, Any]]:
    """The metrics in which a version's faults are counted, while the alias has two versions.

    Lambda's own by its page "Types of metrics for Lambda functions"; ours as log_failure counts.
    """
    (published,) = (
        name
        for name, each in template.of_type("AWS::Lambda::Version").items()
        if each["FunctionName"] == {"Ref": function}
    )
    yield metric(
        "AWS/Lambda",
        "Errors",
        FunctionName={"Ref": function},
        Resource={"Fn::Sub": f"${{{function}}}:live"},
        ExecutedVersion={"Fn::GetAtt": [published + version, "Version"]},
    )
    yield metric(
        "O2O",
        "UnexpectedError",
        service={"Ref": "AWS::StackName"},
        function={"Ref": function},
        build={"Ref": build},
    )


def metric(namespace: str, name: str, **dimensions: Any) -> dict[str, Any]:
    return {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
