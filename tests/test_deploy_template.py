"""template.yaml is clean, publishes what it should, and `sam build` makes a package that runs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from deploy.emulator import ENVIRONMENT, HANDLER, emulate, find_python, machine_arch
from deploy.events import function_url_event
from deploy.package import RUNTIME_PYTHON
from lambda_handler.predictor import Predictor
from tests.bundle_factory import EXAMPLE, make_bundle

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "template.yaml"
BIN = Path(sys.executable).parent


POLICIES = {"AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}
NO_PYTHON = f"no Python {RUNTIME_PYTHON} here to run the build with"


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One of the environment's tools at the root, without credentials or telemetry."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_", "MAKE"))}
    settings = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true"}
    line = [str(BIN / command[0]), *command[1:]]
    env = kept | settings | environment
    return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)


def transform(code: str = "s3://bucket/key", **parameters: str) -> Any:
    """The CloudFormation resources that the service makes of the template."""
    template = yaml_parse(TEMPLATE.read_text())
    template["Resources"]["SelfsameFunction"]["Properties"]["CodeUri"] = code
    values = {name: entry["Default"] for name, entry in template["Parameters"].items()} | parameters
    translator = Translator(POLICIES, Parser(), boto_session=Session(region_name="eu-central-1"))
    return translator.translate(template, values)["Resources"]


def of_type(resources: Any, kind: str) -> dict[str, Any]:
    return {name: entry for name, entry in resources.items() if entry["Type"] == kind}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("template") / "tiny")


@pytest.fixture(scope="module")
def artifact(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    build = tmp_path_factory.mktemp("sam") / "build"
    options = ["--template", str(TEMPLATE), "--build-dir", str(build)]
    result = run("sam", "build", *options, BUNDLE=str(bundle), ARCH=machine_arch())
    assert result.returncode == 0, result.stderr
    yield build / "SelfsameFunction"


def test_cfn_lint_finds_nothing() -> None:
    result = run("cfn-lint", str(TEMPLATE))
    assert (result.returncode, result.stdout) == (0, "")


def test_sam_validates_the_template() -> None:
    result = run("sam", "validate", "--lint", "--template", str(TEMPLATE))
    assert (result.returncode, "valid SAM Template" in result.stdout) == (0, True), result.stderr


def test_the_function_is_what_the_package_and_the_emulator_take_it_for() -> None:
    [function] = of_type(transform(), "AWS::Lambda::Function").values()
    properties = function["Properties"]
    assert (properties["Handler"], properties["Runtime"]) == (HANDLER, f"python{RUNTIME_PYTHON}")
    assert properties["Environment"]["Variables"] == ENVIRONMENT
    assert properties["LoggingConfig"] == {"LogGroup": {"Ref": "SelfsameLogs"}}


def test_a_model_only_change_publishes_a_new_version_and_none_does_not() -> None:
    versions = [set(of_type(transform(code), "AWS::Lambda::Version")) for code in ("s3://b/1", "s3://b/1", "s3://b/2")]
    assert versions[0] == versions[1]
    assert not versions[0] & versions[2]
    assert [len(names) for names in versions] == [1, 1, 1]


def test_the_url_calls_the_alias_and_asks_for_signatures_by_default() -> None:
    resources = transform()
    [url] = of_type(resources, "AWS::Lambda::Url").values()
    [(name, alias)] = of_type(resources, "AWS::Lambda::Alias").items()
    assert (url["Properties"]["TargetFunctionArn"], alias["Properties"]["Name"]) == ({"Ref": name}, "live")
    assert yaml_parse(TEMPLATE.read_text())["Parameters"]["AuthType"]["Default"] == "AWS_IAM"


def test_only_an_open_url_gets_the_two_public_permissions() -> None:
    resources = transform(AuthType="NONE")
    permissions = of_type(resources, "AWS::Lambda::Permission")
    [alias] = of_type(resources, "AWS::Lambda::Alias")
    assert [entry["Properties"]["FunctionName"] for entry in permissions.values()] == [{"Ref": alias}] * 2
    assert {entry["Condition"] for entry in permissions.values()} == {"IsOpen"}
    granted = {entry["Properties"]["Action"]: entry["Properties"] for entry in permissions.values()}
    assert granted.keys() == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert granted["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == "NONE"
    assert granted["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True


def test_sam_build_writes_the_package_with_the_bundle_it_is_told(artifact: Path, bundle: Path) -> None:
    assert (artifact / "bundle" / "manifest.json").read_bytes() == (bundle / "manifest.json").read_bytes()
    assert (artifact / "lambda_handler" / "app.py").is_file()
    assert not list(artifact.rglob("__pycache__"))
    assert not (artifact / "train").exists()


@pytest.mark.skipif(
    find_python(RUNTIME_PYTHON) is None, reason=f"no Python {RUNTIME_PYTHON} here to run the build with"
)
def test_the_handler_runs_out_of_what_sam_built(artifact: Path, bundle: Path) -> None:
    with emulate(artifact) as runtime:
        response = runtime(function_url_event("POST", "/predict", json.dumps(EXAMPLE).encode()))
    assert response["statusCode"] == 200
    assert json.loads(response["body"])["predictions"] == Predictor.load(bundle).predict([EXAMPLE])
