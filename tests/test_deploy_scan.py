"""checkov finds nothing in the stack but what is excepted by name, with a reason, beside the resource."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.stack_tools import ROOT, TEMPLATE, source, switched_on, transform_all

CHECKOV = ROOT / ".venv-scan" / "bin" / "checkov"
OPTIONS = ["--framework", "cloudformation", "--skip-download", "--compact", "--output", "json"]

pytestmark = pytest.mark.skipif(not CHECKOV.exists(), reason="checkov is not installed; `make test` installs it")


def scan(file: Path) -> Any:
    """What checkov says about a template; it asks no server."""
    environment = {"PATH": os.defpath, "HOME": str(file.parent), "LOG_LEVEL": "ERROR"}
    command = [str(CHECKOV), "--file", str(file), *OPTIONS]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    report = json.loads(result.stdout)
    assert report["summary"]["parsing_errors"] == 0, report
    return report


def failed(report: Any) -> list[tuple[str, str]]:
    return [(each["check_id"], each["resource"]) for each in report["results"]["failed_checks"]]


def on(text: str) -> str:
    """The template's text with each switch on: checkov leaves out what a condition leaves out."""
    assert text.count('Default: "false"') >= 4
    return text.replace('Default: "false"', 'Default: "true"')


def test_the_template_is_clean_with_every_part_switched_on(tmp_path: Path) -> None:
    file = tmp_path / "template.yaml"
    file.write_text(on(TEMPLATE.read_text(encoding="utf-8")))
    report = scan(file)
    assert failed(report) == []
    assert report["summary"]["resource_count"] == len(source()["Resources"])


def test_what_the_service_makes_of_it_is_clean(tmp_path: Path) -> None:
    file = tmp_path / "transformed.json"
    file.write_text(json.dumps(transform_all(switched_on(source()))))
    report = scan(file)
    assert failed(report) == []
    assert report["summary"]["passed"] > 100
    for each in report["results"]["skipped_checks"]:
        assert len(each["check_result"]["suppress_comment"]) > 30, f"{each['resource']} gives no reason"


def test_the_scan_sees_an_open_role_and_an_exception_that_is_gone(tmp_path: Path) -> None:
    template = switched_on(source())
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = {"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    template["Resources"]["SelfsameRole"]["Properties"]["Policies"] = [policy]
    template["Resources"]["SelfsameLogs"]["Metadata"] = {}
    file = tmp_path / "transformed.json"
    file.write_text(json.dumps(transform_all(template)))
    found = {resource.rpartition(".")[2] for _, resource in failed(scan(file))}
    assert found == {"SelfsameRole", "SelfsameLogs"}
