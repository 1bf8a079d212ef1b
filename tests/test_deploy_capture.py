"""Capture's part of the stack: what the handler writes fits the table that Athena reads; the way there is closed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.events import function_url_event
from lambda_handler.decide import PARTS
from lambda_handler.http import make_handler
from tests.bundle_factory import CLASSES, EXAMPLE, Task, make_bundle, seal
from tests.stack_tools import of_type, source, transform

TASKS: list[Task] = list(CLASSES)
PRIMITIVES: dict[str, Callable[[Any], bool]] = {
    # A string column takes any value: the reader gives its text.
    "string": lambda value: True,
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "double": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
}


def parse(text: str) -> Any:
    """A Hive type: a primitive's name, or a tuple of its kind and its parts."""
    kind, _, inside = text.partition("<")
    if not inside:
        assert kind in PRIMITIVES, f"there is no type {kind!r}"
        return kind
    parts = split(inside.removesuffix(">"))
    if kind == "struct":
        return "struct", {name: parse(rest) for name, _, rest in (part.partition(":") for part in parts)}
    return kind, [parse(part) for part in parts]


def split(text: str) -> list[str]:
    """The parts between the commas that stand in no bracket."""
    depth, parts = 0, [""]
    for character in text:
        depth += (character == "<") - (character == ">")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def misfits(value: Any, kind: Any, place: str = "") -> list[str]:
    """Where a JSON value does not fit a type: another type, or a key that no column would show."""
    if value is None:
        return []
    if isinstance(kind, str):
        return [] if PRIMITIVES[kind](value) else [f"{place} is no {kind}: {value!r}"]
    name, parts = kind
    if name == "array":
        return [fault for entry in value for fault in misfits(entry, parts[0], f"{place}[]")]
    if name == "map":
        return [fault for key, entry in value.items() for fault in misfits(entry, parts[1], f"{place}.{key}")]
    unknown = [f"{place}.{key} is in no column" for key in value if key not in parts]
    known = [fault for key in parts for fault in misfits(value.get(key), parts[key], f"{place}.{key}")]
    return unknown + known


def table() -> Any:
    return transform(EnableCapture="true")["CaptureTable"]["Properties"]["TableInput"]


def columns() -> Any:
    """The table's columns as one type."""
    listed = table()["StorageDescriptor"]["Columns"]
    return "struct", {column["Name"]: parse("".join(column["Type"].split())) for column in listed}


def captured(folder: Path, task: Task, capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """The lines that the handler writes for two rows, a feedback and a page's row, every feature loggable."""
    bundle = make_bundle(folder / task, task=task)
    contract = json.loads((bundle / "contract.json").read_bytes())
    contract["capture"]["share"] = 1.0
    for feature in contract["features"]:
        feature["loggable"] = True
    (bundle / "contract.json").write_text(json.dumps(contract))
    seal(bundle)
    handler = make_handler(bundle)
    capsys.readouterr()

    def post(path: str, body: Any) -> Any:
        response = handler(function_url_event("POST", path, json.dumps(body).encode()), None)
        assert response["statusCode"] < 300, response["body"]
        return json.loads(response["body"])

    rows = [EXAMPLE, {**EXAMPLE, "income": None, "grade": None, "married": False}]
    [first, _] = post("/predict", {"rows": rows})["predictions"]
    told = {"values": {"cost": 5.0}, "several": {"late": True}, "regression": 250.5, "interval": 250.5}.get(
        task, first.get("label")
    )
    post("/feedback", {"feedback": [{"id": first["id"], "outcome": told}]})
    answer = {name: first[name] for name in PARTS if name in first}
    post("/capture", {"model": contract["model_sha256"], "captures": [{"row": EXAMPLE, "answer": answer}]})
    lines = capsys.readouterr().out.splitlines()
    return [record for record in map(json.loads, lines) if "selfsame" in record]


@pytest.mark.parametrize("task", TASKS)
def test_what_the_handler_writes_fits_the_table(task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = captured(tmp_path, task, capsys)
    assert [record["selfsame"] for record in records] == ["capture", "feedback", "capture"]
    for record in records:
        assert misfits(record, columns()) == []
    capture, feedback, page = records
    assert (capture.get("source"), page["source"]) == (None, "page")
    assert len(capture["predictions"]) == 2
    assert set(capture["predictions"][0]["row"]) == set(EXAMPLE)
    assert feedback["id"] == capture["predictions"][0]["id"], "the queries join on it"
    # The reader tells names of columns and of struct's fields by their exact letters.
    names = re.findall(r"(\w+):", json.dumps(table()["StorageDescriptor"]["Columns"]))
    assert all(name == name.lower() for name in (*names, *record))


def test_a_ranking_fits_the_table() -> None:
    answer = {"items": [{"id": "castle", "score": 0.5}]}
    record = {"selfsame": "capture", "predictions": [{"id": "a-0", "answer": answer}]}
    assert misfits(record, columns()) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"surplus": 1}, "surplus is in no column"),
        ({"format": "1"}, "format is no int"),
        ({"predictions": [{"id": "a", "complete": "yes"}]}, "complete is no boolean"),
        ({"predictions": [{"answer": {"probabilities": {"a": "0.5"}}}]}, "answer.probabilities.a is no double"),
        ({"predictions": [{"answer": {"value": True}}]}, "answer.value is no double"),
        ({"model": {"digest": "a"}}, "model.digest is in no column"),
    ],
)
def test_a_record_that_does_not_fit_is_found(change: dict[str, Any], fault: str) -> None:
    [found] = misfits({"selfsame": "capture", **change}, columns())
    assert fault in found


def test_both_kinds_are_subscribed_to_with_one_filter_and_nothing_else() -> None:
    subscription = transform(EnableCapture="true")["CaptureSubscription"]["Properties"]
    kinds = re.findall(r'\$\.selfsame = "(\w+)"', subscription["FilterPattern"])
    assert subscription["FilterPattern"] == "{ " + " || ".join(f'($.selfsame = "{kind}")' for kind in kinds) + " }"
    assert kinds == ["capture", "feedback"]
    assert subscription["LogGroupName"] == {"Ref": "SelfsameLogs"}


def test_the_table_finds_what_firehose_writes() -> None:
    resources = transform(EnableCapture="true")
    target = resources["CaptureDelivery"]["Properties"]["ExtendedS3DestinationConfiguration"]
    parameters = table()["Parameters"]
    location = parameters["storage.location.template"]["Fn::Sub"]
    written = target["Prefix"].replace("!{timestamp:yyyy-MM-dd}", "${!day}")
    assert location == "s3://${CaptureBucket}/" + written
    assert parameters["projection.day.format"] in target["Prefix"]
    assert [key["Name"] for key in table()["PartitionKeys"]] == ["day"]
    kinds = [processor["Type"] for processor in target["ProcessingConfiguration"]["Processors"]]
    assert kinds == ["Decompression", "CloudWatchLogProcessing", "AppendDelimiterToRecord"]
    assert target["CompressionFormat"] == "GZIP"
    assert not target["ErrorOutputPrefix"].startswith("records/"), "the table would read what has failed"


def test_records_are_kept_private_encrypted_and_for_so_long() -> None:
    resources = transform(EnableCapture="true")
    bucket = resources["CaptureBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    [whole, queries] = bucket["LifecycleConfiguration"]["Rules"]
    assert (whole["ExpirationInDays"], whole["Status"]) == ({"Ref": "CaptureRetentionDays"}, "Enabled")
    assert "Prefix" not in whole
    assert (queries["Prefix"], queries["ExpirationInDays"]) == ("queries/", 1)
    assert "VersioningConfiguration" not in bucket, "an earlier version would outlive the retention"
    [only_tls] = resources["CaptureBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (only_tls["Effect"], only_tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    group = resources["CaptureWorkGroup"]["Properties"]["WorkGroupConfiguration"]
    assert group["EnforceWorkGroupConfiguration"] is True
    assert group["ResultConfiguration"]["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}
    assert group["ResultConfiguration"]["OutputLocation"] == {"Fn::Sub": "s3://${CaptureBucket}/queries/"}


def test_each_role_may_do_its_one_thing() -> None:
    resources = transform(EnableCapture="true")
    allowed = {
        name: {action for statement in role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
               for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])}
        for name, role in of_type(resources, "AWS::IAM::Role").items() if name.startswith("Capture")
    }  # fmt: skip
    trusted = {name: resources[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0] for name in allowed}
    assert all(statement["Condition"] for statement in trusted.values()), "for this account alone"
    assert allowed["CaptureSubscriptionRole"] == {"firehose:PutRecord", "firehose:PutRecordBatch"}
    assert allowed["CaptureDeliveryRole"] == {
        "logs:PutLogEvents", "s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket",
        "s3:ListBucketMultipartUploads", "s3:PutObject",
    }  # fmt: skip


def test_the_saved_queries_read_columns_that_are_there() -> None:
    _, known = columns()
    _, [(_, prediction)] = known["predictions"]
    _, answer = prediction["answer"]
    for query in of_type(transform(EnableCapture="true"), "AWS::Athena::NamedQuery").values():
        text = query["Properties"]["QueryString"]
        [listed] = re.findall(r"UNNEST\(predictions\) AS p \(([^)]+)\)", text)
        assert listed.replace('"', "").split(", ") == list(prediction), "the fields are named by their places"
        assert set(re.findall(r"answer\.(\w+)", text)) <= answer.keys()
        assert set(re.findall(r"model\.(\w+)", text)) <= known["model"][1].keys()
        assert set(re.findall(r"records\.(\w+)", text)) <= {*known, "day"}
        assert " day >= " in text.replace("records.", " "), "a query without a day reads everything"


def test_capture_is_there_on_request_only() -> None:
    resources = transform()
    mine = [entry for name, entry in resources.items() if name.startswith("Capture") or name.endswith("DayQuery")]
    assert len(mine) == 13
    assert {entry["Condition"] for entry in mine} == {"HasCapture"}
    assert source()["Parameters"]["EnableCapture"]["Default"] == "false"
