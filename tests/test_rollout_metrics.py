"""Alarms and dashboard read metrics that the code really tells of, by the dimensions that it really gives them."""

import io
import json
import re
from typing import Any

import pytest

from deploy.events import function_url_event
from lambda_handler.http import make_handler
from lambda_handler.metrics import UNITS
from rollout.shadow import Tally, publish
from tests.bundle_factory import EXAMPLE, make_bundle, seal
from tests.stack_tools import of_type, source, switched_on, transform_all

SEARCH = re.compile(r"SEARCH\('\{(selfsame,[\w,]+)\} service=\"\$\{AWS::StackName\}\" MetricName=\"(\w+)\"', '(\w+)'\)")
STACK, RELEASE = "my-stack", "7"

Told = set[tuple[str, tuple[str, ...]]]


def resources() -> Any:
    return transform_all(switched_on(source()))["Resources"]


def told_of(out: str) -> Told:
    """Names and sorted dimension names of the metrics in log lines of the embedded format."""
    return {
        (metric["Name"], tuple(sorted(dimensions)))
        for line in map(json.loads, out.splitlines())
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", [])
        for dimensions in directive["Dimensions"]
        for metric in directive["Metrics"]
        if directive["Namespace"] == "selfsame"
    }


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the handler logs of an answered, a refused and a failing request, with the stack's own variables."""
    bundle = make_bundle(tmp_path_factory.mktemp("metrics") / "tiny")
    reference = json.loads((bundle / "reference.json").read_bytes())
    reference["answers"] |= {"edges": [0.0, 0.5, 1.0], "counts": [60, 40]}  # scores that differ, so that they can shift
    (bundle / "reference.json").write_text(json.dumps(reference))
    seal(bundle)
    variables = resources()["SelfsameFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    written = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", variables["POWERTOOLS_METRICS_NAMESPACE"])
        patch.setenv("POWERTOOLS_SERVICE_NAME", STACK)
        patch.setenv("AWS_LAMBDA_FUNCTION_VERSION", RELEASE)
        patch.setattr("sys.stdout", written)
        handler = make_handler(bundle)
        handler(function_url_event("POST", "/predict", json.dumps(EXAMPLE).encode()), None)
        handler(function_url_event("POST", "/predict", b"{}"), None)
        patch.setattr("lambda_handler.predictor.Predictor.answers", lambda *_: 1 / 0)
        handler(function_url_event("POST", "/predict", json.dumps(EXAMPLE).encode()), None)
    return [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.fixture(scope="module")
def told(lines: list[dict[str, Any]]) -> Told:
    return told_of("\n".join(map(json.dumps, lines)))


def test_every_alarm_on_an_own_metric_reads_what_the_handler_tells(told: Told) -> None:
    read: Told = set()
    for alarm in of_type(resources(), "AWS::CloudWatch::Alarm").values():
        properties = alarm["Properties"]
        stats = [entry["MetricStat"]["Metric"] for entry in properties.get("Metrics", []) if "MetricStat" in entry]
        for metric in stats or [properties]:
            if metric["Namespace"] == "selfsame":
                named = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
                assert named.pop("service") == {"Ref": "AWS::StackName"}
                assert all(value["Fn::GetAtt"][1] == "Version" for value in named.values())
                read.add((metric["MetricName"], tuple(sorted(["service", *named]))))
    assert {name for name, _ in read} == {"RequestErrors422", "RequestErrors500", "ScoreShift"}
    assert read <= told


def test_the_dimensions_have_the_values_that_alarms_ask_for(lines: list[dict[str, Any]]) -> None:
    metered = [line for line in lines if "_aws" in line]
    assert len(metered) == 3
    assert {(line["service"], line["release"]) for line in metered} == {(STACK, RELEASE)}


def test_the_mean_of_refusals_is_the_share_of_refused_requests(lines: list[dict[str, Any]]) -> None:
    assert [line["RequestErrors422"] for line in lines if "_aws" in line][:2] == [0, 1]  # answered, refused


def test_the_dashboard_shows_every_metric_and_no_other(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "selfsame")
        patch.setenv("POWERTOOLS_SERVICE_NAME", STACK)
        publish("1+abc", Tally(1, 1, ["id"], [0.5]), 1)
    shadow = told_of(capsys.readouterr().out)
    body = resources()["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown = {
        (name, tuple(sorted(schema.split(",")[1:]))) for schema, name, _ in SEARCH.findall(body.replace('\\"', '"'))
    }
    assert len(shown) > 20
    assert body.count("SEARCH(") == len(SEARCH.findall(body.replace('\\"', '"')))
    by_version = ("service", "version")
    assert shown == {(name, by_version) for name in UNITS if name != "RequestErrors"} | shadow
    assert {entry for entry in told if entry[1] == by_version and entry[0] != "RequestErrors"} <= shown
