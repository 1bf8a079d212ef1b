"""The pre-traffic hook: a release goes on when the new version replays its golden rows, and stops on any doubt."""

import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import onnx
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from onnx import numpy_helper

from deploy.emulator import emulate, lambda_python, machine_arch
from deploy.package import build_package
from rollout import hook
from tests.bundle_factory import make_bundle, seal

VERSION = "arn:aws:lambda:eu-central-1:123456789012:function:selfsame:7"
EVENT = {"DeploymentId": "d-ABCDEF123", "LifecycleEventHookExecutionId": "eyJlbmNyeXB0ZWQ"}
OK = {"rows": 12, "labels_differ": 0, "outside": 0}


def client(service: str) -> Any:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, region_name="eu-central-1", config=Config(retries={"max_attempts": 1}), **keys)


def answering(respond: Callable[[bytes], tuple[dict[str, str], bytes]], called: list[str] | None = None) -> Any:
    """A real client of Lambda whose requests go to `respond`: payload in, headers and payload out."""

    class Body(io.BytesIO):
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield self.read()

    def send(request: AWSRequest, **_: Any) -> AWSResponse:
        if called is not None:
            called.append(request.url)
        headers, payload = respond(request.body)
        return AWSResponse(request.url, 200, headers, Body(payload))

    functions = client("lambda")
    functions.meta.events.register("before-send.lambda.Invoke", send)
    return functions


def told(functions: Any, version: str = VERSION) -> str:
    """What CodeDeploy is told, by the calls that a real client makes."""
    deployments = client("codedeploy")
    said: list[str] = []
    deployments.meta.events.register(
        "provide-client-params.codedeploy", lambda params, **_: said.append(params["status"])
    )
    with Stubber(deployments) as stub:
        stub.add_response("put_lifecycle_event_hook_execution_status", {"lifecycleEventHookExecutionId": "x"})
        returned = hook.settle(EVENT, version, functions, deployments)
        stub.assert_no_pending_responses()
    assert returned == {"status": said[0]}
    return said[0]


def health(code: int = 200, **changes: Any) -> bytes:
    document = {"status": "ok", "model": {"name": "tiny"}, "golden": OK} | changes
    return json.dumps({"statusCode": code, "headers": {}, "body": json.dumps(document)}).encode()


def from_version(payload: bytes, number: str = "7", **headers: str) -> Callable[[bytes], tuple[dict[str, str], bytes]]:
    return lambda _: ({"X-Amz-Executed-Version": number} | headers, payload)


def test_a_version_that_holds_is_released(capsys: pytest.CaptureFixture[str]) -> None:
    called: list[str] = []
    assert told(answering(from_version(health()), called)) == "Succeeded"
    assert called == [
        f"https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/{VERSION.replace(':', '%3A')}/invocations"
    ]
    line = json.loads(capsys.readouterr().out)
    assert (line["selfsame"], line["status"], line["health"]["golden"]) == ("release", "Succeeded", OK)


@pytest.mark.parametrize(
    ("respond", "reason"),
    [
        (from_version(health(503, status="failed")), "Every golden row"),
        (from_version(health(golden=OK | {"labels_differ": 1})), "Every golden row"),
        (from_version(health(golden=OK | {"outside": 1})), "Every golden row"),
        (from_version(health(golden=OK | {"rows": 0})), "Every golden row"),
        (from_version(health(status="failed")), "Every golden row"),
        (from_version(health(500)), "Every golden row"),
        (from_version(health(golden=None)), "TypeError"),
        (from_version(b'{"statusCode": 200}'), "KeyError"),
        (from_version(b"null"), "TypeError"),
        (from_version(b"<html>"), "JSONDecodeError"),
        (from_version(health(), number="6"), "Version 7 must answer; '6' did"),
        (lambda _: ({}, health()), "Version 7 must answer; None did"),
        (
            from_version(b'{"errorType": "BundleError"}', **{"X-Amz-Function-Error": "Unhandled"}),
            'The version must run; it ended with {"errorType": "BundleError"}',
        ),
    ],
)
def test_any_doubt_stops_the_release(respond: Any, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(answering(respond)) == "Failed"
    line = json.loads(capsys.readouterr().out)
    assert line["status"] == "Failed"
    assert reason in line["reason"]


@pytest.mark.parametrize("version", ["", VERSION.removesuffix(":7"), VERSION.replace(":7", ":live"), f"{VERSION}x"])
def test_only_a_published_version_is_asked(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    called: list[str] = []
    assert told(answering(from_version(health()), called), version) == "Failed"
    assert called == []
    assert "must be the ARN of a published version" in capsys.readouterr().out


def test_a_call_that_is_refused_stops_the_release(capsys: pytest.CaptureFixture[str]) -> None:
    functions = client("lambda")
    with Stubber(functions) as stub:
        stub.add_client_error("invoke", "AccessDeniedException", "not authorized")
        assert told(functions) == "Failed"
    assert "AccessDeniedException" in capsys.readouterr().out


def test_codedeploy_is_told_about_its_own_deployment() -> None:
    deployments = client("codedeploy")
    expected = {
        "deploymentId": EVENT["DeploymentId"],
        "lifecycleEventHookExecutionId": EVENT["LifecycleEventHookExecutionId"],
        "status": "Succeeded",
    }
    with Stubber(deployments) as stub:
        stub.add_response("put_lifecycle_event_hook_execution_status", {}, expected)
        hook.settle(EVENT, VERSION, answering(from_version(health())), deployments)


def test_silence_is_an_error_of_the_hook() -> None:
    deployments = client("codedeploy")
    with Stubber(deployments) as stub, pytest.raises(ClientError):
        stub.add_client_error("put_lifecycle_event_hook_execution_status", "DeploymentDoesNotExistException")
        hook.settle(EVENT, VERSION, answering(from_version(health())), deployments)


def test_the_handler_reads_the_version_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = {"lambda": answering(from_version(health(), "9")), "codedeploy": client("codedeploy")}
    monkeypatch.setenv("NEW_VERSION", VERSION.replace(":7", ":9"))
    monkeypatch.setattr(boto3, "client", lambda name, **_: clients[name])
    with Stubber(clients["codedeploy"]) as stub:
        stub.add_response("put_lifecycle_event_hook_execution_status", {})
        assert hook.handler(EVENT, None) == {"status": "Succeeded"}


def tampered(bundle: Path) -> Path:
    """The bundle with another graph, sealed again: every digest fits, and the answers are others."""
    graph = onnx.load(bundle / "model.onnx")
    kept = next(one for one in graph.graph.initializer if one.data_type == onnx.TensorProto.DOUBLE)
    kept.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(kept) + np.float64(0.25), kept.name))
    (bundle / "model.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    contract = json.loads((bundle / "contract.json").read_bytes())
    contract["model_sha256"] = hashlib.sha256((bundle / "model.onnx").read_bytes()).hexdigest()
    (bundle / "contract.json").write_text(json.dumps(contract))
    seal(bundle)
    return bundle


@contextmanager
def version_of(bundle: Path, folder: Path) -> Iterator[Any]:
    """A client of Lambda whose version 7 is the built package in the real runtime."""
    package = build_package(bundle, folder / "package", arch=machine_arch(), python=lambda_python())
    with emulate(package) as runtime:
        yield answering(lambda body: ({"X-Amz-Executed-Version": "7"}, json.dumps(runtime(json.loads(body))).encode()))


@pytest.mark.skipif(sys.platform != "linux", reason="the emulator runs on Linux")
def test_the_real_package_replays_its_golden_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with version_of(make_bundle(tmp_path / "tiny"), tmp_path) as functions:
        assert told(functions) == "Succeeded"
    found = json.loads(capsys.readouterr().out)["health"]["golden"]
    assert found["rows"] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="the emulator runs on Linux")
def test_a_model_that_was_exchanged_and_sealed_again_is_not_released(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with version_of(tampered(make_bundle(tmp_path / "tiny")), tmp_path) as functions:
        assert told(functions) == "Failed"
    assert '\\"status\\": \\"failed\\"' in capsys.readouterr().out
