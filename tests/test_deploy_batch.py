"""Batch scoring: its definition executed over real files with the real handler, and its part of the stack."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from export import export_bundle
from lambda_handler.http import make_handler
from lambda_handler.predictor import Predictor
from tests.batch_machine import BUCKET, MAPS, Execution, Handler, definition
from tests.stack_tools import ROOT, as_list, of_type, run, source, transform
from train.demo_loan import simulate_applicants

ROWS = 230  # three batches, the last one smaller
SPOILT = {7: ("age", "old"), 120: ("income", "1e400"), 121: ("grade", ""), 229: ("purpose", "Z")}
CSV, JSONL = "input/loans.csv", "input/loans.jsonl"


@pytest.fixture(scope="module")
def spoilt() -> pd.DataFrame:
    """The demo's applicants with an identifier that is no feature, and with some values that the contract rejects."""
    features, _, _ = simulate_applicants(ROWS, 3)
    table = features.assign(id=[f"loan-{number}" for number in range(ROWS)]).astype(object)
    for index, (name, value) in SPOILT.items():
        table.loc[index, name] = value
    return table


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the demo's loans that takes no missing and no unknown text."""
    X, y, _ = simulate_applicants(600, 7)
    numbers = [name for name in X if pd.api.types.is_numeric_dtype(X[name])]
    texts = [name for name in X if name not in numbers]
    columns = make_column_transformer((SimpleImputer(), numbers), (OneHotEncoder(), texts))
    model = make_pipeline(columns, DecisionTreeClassifier(max_depth=6, random_state=0)).fit(X, y)
    return export_bundle(model, X, tmp_path_factory.mktemp("batch") / "loan", effort="quick")


@pytest.fixture(scope="module")
def handler(bundle: Path) -> Handler:
    return make_handler(bundle)


@pytest.fixture(scope="module")
def scored(handler: Handler, spoilt: pd.DataFrame) -> Execution:
    """The execution over the spoilt table as CSV."""
    return Execution(definition(), handler, {"format": "csv", "key": CSV}, {CSV: spoilt.to_csv(index=False)})


def asked(row: dict[str, Any]) -> dict[str, Any]:
    """The features of a row of the table, None where one is missing."""
    return {name: None if pd.isna(value) else value for name, value in row.items() if name != "id"}


def test_every_row_of_a_csv_is_answered_as_the_predictor_does_or_has_its_problem(
    scored: Execution, bundle: Path, spoilt: pd.DataFrame
) -> None:
    assert scored.status == "SUCCEEDED", scored.described
    assert [line["row"]["id"] for line in scored.lines] == spoilt["id"].tolist(), "nothing is lost, nothing is twice"
    predictor = Predictor.load(bundle)
    answered = [index for index in range(ROWS) if index not in SPOILT]
    expected = predictor.predict([asked(spoilt.loc[index].to_dict()) for index in answered])
    for index, prediction in zip(answered, expected, strict=True):
        assert prediction.items() <= scored.lines[index].items()
    assert len({line["label"] for line in scored.lines if "label" in line}) == 2
    assert len({line["id"] for line in scored.lines if "id" in line}) == len(answered)
    assert scored.failed == []


def test_a_row_that_breaks_the_contract_is_written_with_the_reason(scored: Execution) -> None:
    problems = {index: line["problems"] for index, line in enumerate(scored.lines) if "problems" in line}
    assert problems.keys() == SPOILT.keys()
    for index, (feature, value) in SPOILT.items():
        [problem] = problems[index]
        assert problem["feature"] == feature
        assert problem["kind"] == {"": "missing", "Z": "unseen"}.get(value, "type")
        assert value in problem["reason"]
        assert "label" not in scored.lines[index]


def test_the_function_is_called_once_per_batch(scored: Execution) -> None:
    sizes = sorted(len(event["rows"]) for event in scored.events)
    assert sizes == [30, 100, 100]
    assert all(event["text"] is True and event["each"] is True for event in scored.events)


def test_results_lie_under_the_executions_name(scored: Execution) -> None:
    written = json.loads(scored.described["output"])["ResultWriterDetails"]
    assert written["Bucket"] == BUCKET
    assert re.fullmatch(r"results/one/[\w-]+/manifest\.json", written["Key"])
    assert set(scored.keys) == {CSV, written["Key"]}


def test_json_lines_are_scored_with_their_own_types(handler: Handler, bundle: Path, spoilt: pd.DataFrame) -> None:
    rows = [asked(row) for row in spoilt.head(12).to_dict("records")]
    content = "".join(json.dumps(row) + "\n" for row in rows)
    execution = Execution(definition(), handler, {"format": "jsonl", "key": JSONL}, {JSONL: content})
    assert execution.status == "SUCCEEDED", execution.described
    assert [line["row"] for line in execution.lines] == rows
    good = [index for index in range(12) if index not in SPOILT]
    expected = Predictor.load(bundle).predict([rows[index] for index in good])
    for index, prediction in zip(good, expected, strict=True):
        assert prediction.items() <= execution.lines[index].items()
    assert [index for index, line in enumerate(execution.lines) if "problems" in line] == [7]
    assert execution.events[0]["text"] is False


def test_a_throttled_call_is_made_again(handler: Handler, spoilt: pd.DataFrame) -> None:
    content = spoilt.head(5).to_csv(index=False)
    execution = Execution(definition(), handler, {"format": "csv", "key": CSV}, {CSV: content}, throttled=1)
    assert (execution.status, len(execution.events), len(execution.lines)) == ("SUCCEEDED", 2, 5)


def test_a_batch_that_fails_loses_no_row_and_stops_no_other(handler: Handler, spoilt: pd.DataFrame) -> None:
    def broken(event: Any, context: Any) -> Any:
        if any(row["id"] == "loan-150" for row in event["rows"]):
            raise RuntimeError("broken")
        return handler(event, context)

    execution = Execution(definition(), broken, {"format": "csv", "key": CSV}, {CSV: spoilt.to_csv(index=False)})
    ids = spoilt["id"].tolist()
    assert [row["id"] for rows in execution.failed for row in rows] == ids[100:200]
    assert [line["row"]["id"] for line in execution.lines] == ids[:100] + ids[200:]
    assert len(execution.events) == 3, "what is broken is not called again"


def test_a_call_that_stays_throttled_fails_its_batch(handler: Handler, spoilt: pd.DataFrame) -> None:
    machine = definition()
    for retry in machine["States"]["ScoreCsv"]["ItemProcessor"]["States"]["CallCsv"]["Retry"]:
        retry["MaxAttempts"] = 1  # the test does not wait for all six
    content = spoilt.head(5).to_csv(index=False)
    execution = Execution(machine, handler, {"format": "csv", "key": CSV}, {CSV: content}, throttled=9)
    assert (len(execution.failed[0]), execution.lines, len(execution.events)) == (5, [], 2)


@pytest.mark.parametrize("start", [{}, {"format": "xml", "key": CSV}, {"format": "csv"}, {"format": "csv", "key": 7}])
def test_an_input_that_says_nothing_is_refused(handler: Handler, start: Any) -> None:
    execution = Execution(definition(), handler, start, {CSV: "a\n1\n"})
    assert (execution.status, execution.described["error"]) == ("FAILED", "UnknownInput")
    assert 'The input must be {"format": "csv" or "jsonl"' in execution.described["cause"]


def test_both_maps_are_alike_but_for_what_they_read() -> None:
    first, second = (definition()["States"][name] for name in MAPS)
    text = json.dumps(first).replace("CallCsv", "CallJsonl").replace('"Csv"', '"Jsonl"')
    config, plain = '{"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}', '{"InputType": "JSONL"}'
    text = text.replace(config, plain).replace('"text": true', '"text": false')
    assert json.loads(text) == second


def test_what_the_interpreter_does_not_know_is_said_as_aws_has_it() -> None:
    for name in MAPS:
        state = definition()["States"][name]
        assert state["ItemBatcher"] == {"MaxItemsPerBatch": 100, "MaxInputBytesPerBatch": 65536}
        assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
        assert state["ResultWriter"]["WriterConfig"] == {"OutputType": "JSONL", "Transformation": "FLATTEN"}
        assert state["ToleratedFailurePercentage"] == 5
        assert state["MaxConcurrency"] < source()["Parameters"]["ReservedConcurrency"]["Default"]


def lint(machine: Any, folder: Path) -> str:
    """What cfn-lint says of a state machine with this definition."""
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/batch", "Definition": machine}
    template = {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}
    (folder / "machine.json").write_text(json.dumps(template))
    return run("cfn-lint", "--template", str(folder / "machine.json")).stdout


def test_the_definition_is_well_formed(tmp_path: Path) -> None:
    assert lint(definition(), tmp_path) == ""
    machine = definition()
    machine["States"]["ScoreCsv"]["ToleratedFailures"] = 5
    assert "ToleratedFailures" in lint(machine, tmp_path)


def test_every_substitution_is_made() -> None:
    text = (ROOT / "deploy" / "batch.asl.json").read_text(encoding="utf-8")
    machine = transform(EnableBatch="true")["BatchStateMachine"]["Properties"]
    assert set(re.findall(r"\$\{(\w+)\}", text)) == machine["DefinitionSubstitutions"].keys()
    [alias] = of_type(transform(), "AWS::Lambda::Alias")
    assert machine["DefinitionSubstitutions"]["Function"] == {"Ref": alias}


def test_the_machine_may_call_the_alias_and_use_its_own_bucket_only() -> None:
    resources = transform(EnableBatch="true")
    [policy] = resources["BatchRole"]["Properties"]["Policies"]
    allowed = {
        action: as_list(statement["Resource"])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
    }
    [alias] = of_type(resources, "AWS::Lambda::Alias")
    assert allowed.pop("lambda:InvokeFunction") == [{"Ref": alias}]
    for action in [name for name in allowed if name.startswith("states:")]:
        assert allowed.pop(action)[0]["Fn::Sub"].partition("${AWS::StackName}-batch")[1]
    assert all(where["Fn::Sub"].startswith("${BatchBucket.Arn}/") for places in allowed.values() for where in places)
    assert resources["BatchStateMachine"]["Properties"]["RoleArn"] == {"Fn::GetAtt": ["BatchRole", "Arn"]}


def test_the_bucket_is_private_encrypted_and_emptied() -> None:
    resources = transform(EnableBatch="true")
    bucket = resources["BatchBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["ExpirationInDays"], rule["NoncurrentVersionExpiration"]) == (
        {"Ref": "BatchRetentionDays"}, {"NoncurrentDays": 1},
    )  # fmt: skip
    [only_tls] = resources["BatchBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (only_tls["Effect"], only_tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_batch_is_there_on_request_only() -> None:
    mine = [entry for name, entry in transform().items() if name.startswith("Batch")]
    assert len(mine) == 4
    assert {entry["Condition"] for entry in mine} == {"HasBatch"}
    assert source()["Parameters"]["EnableBatch"]["Default"] == "false"
