"""template.yaml is clean, publishes what it should, and `sam build` makes a package that runs."""

import json
from pathlib import Path

import pytest

from deploy.elf import machine_of
from deploy.emulator import ENVIRONMENT, HANDLER, emulate, find_python, machine_arch
from deploy.events import function_url_event
from deploy.package import RUNTIME_PYTHON
from lambda_handler.predictor import Predictor
from tests.bundle_factory import EXAMPLE, make_bundle
from tests.stack_tools import TEMPLATE, of_type, run, source, transform

NO_PYTHON = f"no Python {RUNTIME_PYTHON} here to run the build with"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("template") / "tiny")


@pytest.fixture(scope="module")
def artifact(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sam_build(bundle, tmp_path_factory.mktemp("sam") / "build", machine_arch())


def sam_build(bundle: Path, build: Path, arch: str) -> Path:
    options = ["--template", str(TEMPLATE), "--build-dir", str(build)]
    how = "" if find_python(RUNTIME_PYTHON) else "--no-bytecode"
    result = run("sam", "build", *options, BUNDLE=str(bundle), ARCH=arch, PACKAGE_ARGS=how)
    assert result.returncode == 0, result.stderr
    return build


def machines(package: Path) -> set[str]:
    """The architectures of a package's shared libraries."""
    found = {machine_of(file.read_bytes()) for file in package.rglob("*") if ".so" in file.name}
    return {machine for machine in found if machine is not None}


def test_sam_and_cfn_lint_find_nothing() -> None:
    result = run("sam", "validate", "--lint", "--template", str(TEMPLATE))
    assert (result.returncode, "valid SAM Template" in result.stdout) == (0, True), result.stderr


def test_the_function_is_what_the_package_and_the_emulator_take_it_for() -> None:
    properties = transform()["SelfsameFunction"]["Properties"]
    assert (properties["Handler"], properties["Runtime"]) == (HANDLER, f"python{RUNTIME_PYTHON}")
    assert properties["Environment"]["Variables"].items() >= ENVIRONMENT.items()
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
    assert source()["Parameters"]["AuthType"]["Default"] == "AWS_IAM"


def test_only_an_open_url_gets_the_two_public_permissions() -> None:
    resources = transform(AuthType="NONE")
    public = {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    permissions = {
        name: entry
        for name, entry in of_type(resources, "AWS::Lambda::Permission").items()
        if entry["Properties"]["Principal"] == "*"
    }
    [alias] = of_type(resources, "AWS::Lambda::Alias")
    assert [entry["Properties"]["FunctionName"] for entry in permissions.values()] == [{"Ref": alias}] * 2
    assert {entry["Condition"] for entry in permissions.values()} == {"IsOpen"}
    granted = {entry["Properties"]["Action"]: entry["Properties"] for entry in permissions.values()}
    assert granted.keys() == public
    assert granted["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == "NONE"
    assert granted["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True


def test_sam_build_writes_the_package_with_the_bundle_it_is_told(artifact: Path, bundle: Path) -> None:
    package = artifact / "SelfsameFunction"
    assert (package / "bundle" / "manifest.json").read_bytes() == (bundle / "manifest.json").read_bytes()
    assert json.loads((package / "build.json").read_bytes())["arch"] == machine_arch()
    assert not (package / "train").exists()


def test_sam_build_writes_the_hook_alone_and_a_challenger_only_on_request(artifact: Path) -> None:
    hook = sorted(str(file.relative_to(artifact)) for file in (artifact / "ReplayHook").rglob("*.py"))
    assert hook == ["ReplayHook/rollout/__init__.py", "ReplayHook/rollout/hook.py"]
    [challenger] = (artifact / "ChallengerFunction").rglob("*.py")
    with pytest.raises(RuntimeError, match=r"No challenger is packaged\. Name its bundle"):
        exec(challenger.read_text())


def test_sam_build_makes_either_architecture(artifact: Path, bundle: Path, tmp_path: Path) -> None:
    other = {"x86_64": "arm64", "arm64": "x86_64"}[machine_arch()]
    assert machines(artifact / "SelfsameFunction") == {machine_arch()}
    assert machines(sam_build(bundle, tmp_path / "build", other) / "SelfsameFunction") == {other}


@pytest.mark.skipif(find_python(RUNTIME_PYTHON) is None, reason=NO_PYTHON)
def test_the_handler_runs_out_of_what_sam_built(artifact: Path, bundle: Path) -> None:
    with emulate(artifact / "SelfsameFunction") as runtime:
        response = runtime(function_url_event("POST", "/predict", json.dumps(EXAMPLE).encode()))
    assert response["statusCode"] == 200
    [prediction] = json.loads(response["body"])["predictions"]
    [expected] = Predictor.load(bundle).predict([EXAMPLE])
    assert prediction.items() >= expected.items()
