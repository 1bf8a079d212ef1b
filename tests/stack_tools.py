"""The stack as CloudFormation gets it: template.yaml through SAM's own transform, without an account."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boto3.session import Session
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "template.yaml"
BIN = Path(sys.executable).parent
REGION = "eu-central-1"
CODE = "s3://some-bucket/key"
POLICIES = {"AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One of the environment's tools at the root, without credentials or telemetry."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_", "MAKE"))}
    settings = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
    line = [str(BIN / command[0]), *command[1:]]
    env = kept | settings | environment
    return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)


def source() -> Any:
    """The template as it is written."""
    return yaml_parse(TEMPLATE.read_text(encoding="utf-8"))


def switched_on(template: Any) -> Any:
    """The template with each of its switches on by default, so that no part is left out."""
    for entry in template["Parameters"].values():
        if entry.get("AllowedValues") == ["true", "false"]:
            entry["Default"] = "true"
    return template


def transform_all(template: Any, code: str = CODE, **parameters: str) -> Any:
    """The CloudFormation template that the service makes of a SAM template."""
    for entry in template["Resources"].values():
        if entry["Type"] == "AWS::Serverless::Function":
            entry["Properties"]["CodeUri"] = code
        if entry["Type"] == "AWS::Serverless::StateMachine":
            entry["Properties"]["DefinitionUri"] = CODE
    values = {name: entry["Default"] for name, entry in template["Parameters"].items()} | parameters
    return Translator(POLICIES, Parser(), boto_session=Session(region_name=REGION)).translate(template, values)


def transform(code: str = CODE, **parameters: str) -> Any:
    """The resources of the transformed template.

    Args:
        code: where every function's package is.
        parameters: values that are not the defaults.
    """
    return transform_all(source(), code, **parameters)["Resources"]


def of_type(resources: Any, kind: str) -> dict[str, Any]:
    return {name: entry for name, entry in resources.items() if entry["Type"] == kind}


def statements(resources: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every role's and policy's own policies, with the resource's name."""
    for name, entry in resources.items():
        properties = entry.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", []) if isinstance(policy, dict)]
        documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
        for document in documents:
            yield from ((name, statement) for statement in as_list(document["Statement"]))


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
