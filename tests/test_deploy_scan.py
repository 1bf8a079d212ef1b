"""checkov finds nothing in the stack but what is excepted by name, with a reason, beside the resource."""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.stack_tools import ROOT, TEMPLATE, source, switched_on, transform_all

CHECKOV = ROOT / ".venv-scan" / "bin" / "checkov"
OPTIONS = ["--framework", "cloudformation", "--skip-download", "--compact", "--output", "json"]

Scanned = dict[str, dict[str, list[Any]]]

pytestmark = pytest.mark.skipif(not CHECKOV.exists(), reason="checkov is not installed; `make test` installs it")


def spoilt() -> Any:
    """The template with an open role, and without the metadata of another resource."""
    template = switched_on(source())
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = {"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    template["Resources"]["SelfsameRole"]["Properties"]["Policies"] = [policy]
    template["Resources"]["SelfsameLogs"]["Metadata"] = {}
    return template


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    """What checkov says of each file: the checks that passed, failed and were skipped; it asks no server."""
    folder = tmp_path_factory.mktemp("scan")
    (folder / "template.yaml").write_text(on(TEMPLATE.read_text(encoding="utf-8")))
    transformed = {"transformed.json": transform_all(switched_on(source())), "spoilt.json": transform_all(spoilt())}
    for name, template in transformed.items():
        (folder / name).write_text(json.dumps(template))
    environment = {"PATH": os.defpath, "HOME": str(folder), "LOG_LEVEL": "ERROR"}
    command = [str(CHECKOV), "--directory", str(folder), *OPTIONS]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    report = json.loads(result.stdout)
    assert report["summary"]["parsing_errors"] == 0, report
    seen = sum(len(template["Resources"]) for template in (source(), *transformed.values()))
    assert report["summary"]["resource_count"] == seen, "a condition leaves a resource out"
    return {
        file.name: {
            kind: [each for each in report["results"][f"{kind}_checks"] if each["file_path"] == f"/{file.name}"]
            for kind in ("passed", "failed", "skipped")
        }
        for file in folder.iterdir()
        if file.is_file()
    }


def on(text: str) -> str:
    """The template's text with each switch on: checkov leaves out what a condition leaves out."""
    assert text.count('Default: "false"') >= 4
    return text.replace('Default: "false"', 'Default: "true"')


def failed(report: dict[str, list[Any]]) -> list[tuple[str, str]]:
    return [(each["check_id"], each["resource"]) for each in report["failed"]]


def resources(report: dict[str, list[Any]]) -> set[str]:
    return {each["resource"].rpartition(".")[2] for checks in report.values() for each in checks}


def test_the_template_is_clean_with_every_part_switched_on(scanned: Scanned) -> None:
    report = scanned["template.yaml"]
    assert failed(report) == []
    assert resources(report) < source()["Resources"].keys()


def test_what_the_service_makes_of_it_is_clean(scanned: Scanned) -> None:
    report = scanned["transformed.json"]
    assert failed(report) == []
    assert len(report["passed"]) > 100
    for each in report["skipped"]:
        assert len(each["check_result"]["suppress_comment"]) > 30, f"{each['resource']} gives no reason"


def test_the_scan_sees_an_open_role_and_an_exception_that_is_gone(scanned: Scanned) -> None:
    found = {resource.rpartition(".")[2] for _, resource in failed(scanned["spoilt.json"])}
    assert found == {"SelfsameRole", "SelfsameLogs"}
