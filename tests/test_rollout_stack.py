"""The stack's promises on the transformed template: release, roles, alarms, dashboard, challenger, budgets."""

import json
import re
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pytest

from tests.stack_tools import ROOT, as_list, of_type, run, source, statements, switched_on, transform, transform_all

FUNCTION, ALIAS_TARGET = {"Ref": "SelfsameFunction"}, {"Fn::Sub": "${SelfsameFunction}:live"}


def metrics_of(alarm: Any) -> list[tuple[str, dict[str, Any]]]:
    """The metrics that an alarm reads, each with its dimensions."""
    properties = alarm["Properties"]
    stats = [entry["MetricStat"]["Metric"] for entry in properties.get("Metrics", []) if "MetricStat" in entry]
    return [
        (entry["MetricName"], {one["Name"]: one["Value"] for one in entry["Dimensions"]})
        for entry in stats or [properties]
    ]


def version_name(resources: Any) -> str:
    [name] = of_type(resources, "AWS::Lambda::Version")
    return name


def test_cfn_lint_finds_nothing_in_what_the_service_makes_of_it(tmp_path: Any) -> None:
    whole = tmp_path / "transformed.json"
    template = switched_on(source())
    whole.write_text(json.dumps(transform_all(template, **{"AuthType": "NONE"})))
    # W2001: a parameter that the transform has put in itself is no longer used by name.
    result = run("cfn-lint", "--ignore-checks", "W2001", "--template", str(whole))
    assert (result.returncode, result.stdout) == (0, "")


def test_every_parameter_is_typed_constrained_and_described() -> None:
    limits = {"AllowedValues", "AllowedPattern", "MinValue", "MaxValue"}
    for name, entry in source()["Parameters"].items():
        assert entry["Type"] in {"String", "Number"}, name
        assert entry.keys() & limits, f"{name} takes anything"
        assert entry["Description"].strip().endswith("."), name


def test_the_documents_tell_every_parameter_with_its_default() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    told = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]+)`? \|", pages, re.MULTILINE))
    for name, entry in source()["Parameters"].items():
        assert told.get(name, "not told").strip() == (str(entry["Default"]) or "none"), name


@pytest.mark.parametrize("shifting", source()["Parameters"]["Shifting"]["AllowedValues"])
def test_traffic_moves_as_the_parameter_says(shifting: str) -> None:
    group = transform(Shifting=shifting)["SelfsameFunctionDeploymentGroup"]["Properties"]
    assert group["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": shifting}


def test_a_release_waits_for_the_hook_which_checks_the_version_that_is_released() -> None:
    resources = transform()
    [alias] = of_type(resources, "AWS::Lambda::Alias").values()
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["BeforeAllowTrafficHook"] == {"Ref": "ReplayHook"}
    hook = resources["ReplayHook"]["Properties"]
    assert hook["FunctionName"]["Fn::Sub"].startswith("CodeDeployHook_")
    version = version_name(resources)
    assert hook["Environment"]["Variables"] == {"NEW_VERSION": {"Ref": version}}
    assert alias["Properties"]["FunctionVersion"]["Fn::GetAtt"] == [version, "Version"]


def test_a_failure_an_alarm_and_a_stop_roll_back() -> None:
    resources = transform()
    group = resources["SelfsameFunctionDeploymentGroup"]["Properties"]
    events = {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert set(group["AutoRollbackConfiguration"]["Events"]) == events
    assert group["AlarmConfiguration"]["Enabled"] is True
    named = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    assert named == {name for name in alarms if name.startswith("NewVersion")}
    assert len(named) == 5
    version = {"Fn::GetAtt": [version_name(resources), "Version"]}
    for name in named:  # what rings for the old version must not keep its remedy away
        assert all(version in watched.values() for _, watched in metrics_of(alarms[name])), name


@pytest.mark.parametrize(
    ("name", "metric", "statistic"),
    [
        ("NewVersionCrashAlarm", "Errors", "Sum"),
        ("NewVersionSlowAlarm", "Duration", "p99"),
        ("FailedAnswerAlarm", "Url5xxCount", "Sum"),
        ("SlowAlarm", "Duration", "p99"),
        ("ThrottleAlarm", "Throttles", "Sum"),
    ],
)
def test_alarms_on_the_service_watch_the_alias(name: str, metric: str, statistic: str) -> None:
    resources = transform()
    alarm = resources[name]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", metric)
    assert statistic == alarm.get("Statistic", alarm.get("ExtendedStatistic"))
    expected: dict[str, Any] = {"FunctionName": FUNCTION, "Resource": ALIAS_TARGET}
    if name.startswith("NewVersion"):
        expected["ExecutedVersion"] = {"Fn::GetAtt": [version_name(resources), "Version"]}
    [(_, watched)] = metrics_of(resources[name])
    assert watched == expected


@pytest.mark.parametrize(
    ("name", "metric", "least", "limit"),
    [
        ("NewVersionRejectAlarm", "RequestErrors422", 10, "MaxRejectRate"),
        ("NewVersionScoreShiftAlarm", "ScoreShift", 10, "MaxScoreShift"),
        ("RejectAlarm", "RequestErrors422", 20, "MaxRejectRate"),
        ("ScoreShiftAlarm", "ScoreShift", 20, "MaxScoreShift"),
    ],
)
def test_alarms_on_the_model_take_the_mean_of_enough_requests(name: str, metric: str, least: int, limit: str) -> None:
    alarm = transform()[name]["Properties"]
    queries = [entry["MetricStat"] for entry in alarm["Metrics"] if "MetricStat" in entry]
    assert [query["Stat"] for query in queries] == ["Average", "SampleCount"]
    assert {query["Metric"]["MetricName"] for query in queries} == {metric}
    [expression] = [entry["Expression"] for entry in alarm["Metrics"] if "Expression" in entry]
    assert expression.startswith(f"IF(counted >= {least}, ")
    assert alarm["Threshold"] == {"Ref": limit}


def test_every_alarm_tells_the_topic_and_is_quiet_without_traffic() -> None:
    for alarm in of_type(transform(), "AWS::CloudWatch::Alarm").values():
        told = {"Fn::If": ["HasTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
        properties = alarm["Properties"]
        assert (properties["AlarmActions"], properties["OKActions"]) == (told, told)
        assert properties["TreatMissingData"] == "notBreaching"


def test_every_function_has_its_own_role_and_a_log_group_with_retention() -> None:
    resources = transform()
    functions = of_type(resources, "AWS::Lambda::Function")
    groups = [entry["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for entry in functions.values()]
    roles = [entry["Properties"]["Role"]["Fn::GetAtt"][0] for entry in functions.values()]
    assert len(set(groups)) == len(set(roles)) == len(functions) >= 3
    for name, group in of_type(resources, "AWS::Logs::LogGroup").items():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name
        assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("Delete", "Delete")
    for name in groups:
        assert resources[name]["Type"] == "AWS::Logs::LogGroup"


def references(value: Any) -> set[str]:
    """The resources that a value of the template names, wherever it stands."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*map(references, value.values()))
    if isinstance(value.get("Ref"), str):
        found.add(value["Ref"])
    if "Fn::GetAtt" in value:
        found.add(as_list(value["Fn::GetAtt"])[0].partition(".")[0])
    for text in as_list(value.get("Fn::Sub", []))[:1]:
        found |= {name.partition(".")[0] for name in re.findall(r"\$\{(\w[\w.]*)\}", text)}
    return found


def order(resources: Any) -> dict[str, set[str]]:
    """Per resource all that must be there before it; raises `CycleError` where nothing can be first."""
    graph = {name: references(entry) & resources.keys() - {name} for name, entry in resources.items()}
    before: dict[str, set[str]] = {}
    for name in TopologicalSorter(graph).static_order():
        before[name] = graph[name].union(*(before[one] for one in graph[name]))
    return before


def test_the_resources_can_be_made_one_after_the_other_and_the_alias_last() -> None:
    resources = transform()
    [alias] = of_type(resources, "AWS::Lambda::Alias")
    alarms = {name for name in of_type(resources, "AWS::CloudWatch::Alarm") if name.startswith("NewVersion")}
    assert {"ReplayHook", "ReleaseRole", version_name(resources), *alarms} <= order(resources)[alias]


def test_a_circle_is_found() -> None:
    resources = transform()
    [alias] = of_type(resources, "AWS::Lambda::Alias")
    resources["ReplayHook"]["Properties"]["Environment"]["Variables"]["ALIAS"] = {"Fn::Sub": f"x-${{{alias}.Arn}}"}
    with pytest.raises(CycleError):
        order(resources)


def wide(statement: Any) -> list[str]:
    """What is too wide in an allowing statement: wildcards in actions, and a resource that is everything."""
    if statement["Effect"] != "Allow":
        return []
    found = [action for action in as_list(statement.get("Action", "* but some")) if "*" in action]
    return found + [one for one in as_list(statement.get("Resource", [])) if one == "*"]


def test_no_statement_is_wide() -> None:
    resources = transform()
    found = {name: problems for name, statement in statements(resources) if (problems := wide(statement))}
    assert found == {}
    assert len(list(statements(resources))) >= 6
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in role["Properties"], f"{name} has a policy that others write"


@pytest.mark.parametrize(
    "change",
    [{"Action": "s3:*"}, {"Action": ["s3:GetObject", "s3:Put*"]}, {"Resource": "*"}, {"Resource": ["*"]}],
)
def test_a_wide_statement_is_found(change: dict[str, Any]) -> None:
    assert wide({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/b"} | change)


def test_the_hook_may_call_this_function_and_report_to_this_release_only() -> None:
    allowed = {
        action: statement["Resource"]
        for name, statement in statements(transform())
        if name == "ReplayHookRole"
        for action in as_list(statement["Action"])
    }
    assert allowed["lambda:InvokeFunction"] == {"Fn::Sub": "${SelfsameFunction.Arn}:*"}
    group = allowed["codedeploy:PutLifecycleEventHookExecutionStatus"]["Fn::Sub"]
    assert group.endswith("${ServerlessDeploymentApplication}/${SelfsameFunctionDeploymentGroup}")
    assert allowed.keys() == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "lambda:InvokeFunction",
        "codedeploy:PutLifecycleEventHookExecutionStatus",
    }


def test_concurrency_is_reserved_and_can_be_left_open() -> None:
    resources = transform()
    reserve = resources["SelfsameFunction"]["Properties"]["ReservedConcurrentExecutions"]["Fn::If"]
    assert reserve == ["HasReserve", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]
    assert source()["Parameters"]["ReservedConcurrency"]["Default"] == 10


def test_the_challenger_reads_capture_records_and_only_on_request() -> None:
    resources = transform()
    feed = resources["ChallengerFunctionCaptured"]
    assert feed["Properties"]["FilterPattern"] == '{ $.selfsame = "capture" }'
    assert feed["Properties"]["LogGroupName"] == {"Ref": "SelfsameLogs"}
    assert feed["Properties"]["DestinationArn"]["Fn::GetAtt"] == ["ChallengerFunction", "Arn"]
    permission = resources["ChallengerFunctionCapturedPermission"]["Properties"]
    assert permission["Principal"] == "logs.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"][1] == {"__LogGroupName__": {"Ref": "SelfsameLogs"}}
    mine = [entry for name, entry in resources.items() if name.startswith("Challenger")]
    assert len(mine) == 6
    assert {entry["Condition"] for entry in mine} == {"HasChallenger"}
    assert source()["Parameters"]["EnableChallenger"]["Default"] == "false"


def widgets(resources: Any) -> list[Any]:
    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    return list(json.loads(re.sub(r"\$\{[^}]+\}", "name", body))["widgets"])


def test_the_dashboard_shows_software_input_output_and_shadow() -> None:
    shown = widgets(transform())
    headings = [each["properties"]["markdown"].split("\n")[0] for each in shown if each["type"] == "text"]
    assert headings == ["## Software", "## Input", "## Output", "## Challenger"]
    assert all(each["properties"]["region"] == "name" for each in shown if each["type"] == "metric")
