"""The pre-traffic hook: a new version replays its golden rows before any caller reaches it.

CodeDeploy calls it between publishing a version and shifting traffic to it (template.yaml). The version must run, be
the one that is being released, and answer every golden row as the original estimator did; whatever else happens, the
release is stopped.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

# Lambda's own event for GET /health at a Function URL, cut to what the handler reads.
HEALTH_EVENT: Mapping[str, Any] = {
    "version": "2.0",
    "rawPath": "/health",
    "rawQueryString": "",
    "headers": {},
    "requestContext": {"http": {"method": "GET", "path": "/health"}},
    "isBase64Encoded": False,
}
SHOWN = 2000  # characters of an unexpected answer that are logged


class ReplayError(Exception):
    """A version that must not get traffic: the rule and what was got."""

    def __init__(self, rule: str, got: str) -> None:
        super().__init__(f"{rule}; {got}")


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:  # noqa: ARG001 - Lambda's signature
    """What CodeDeploy calls; the environment variable NEW_VERSION is the ARN of the version to check."""
    import boto3
    from botocore.config import Config

    # A cold start and the replay fit into the function's own 30 seconds; a throttled call is tried again.
    config = Config(read_timeout=60, retries={"mode": "standard", "max_attempts": 4})
    functions = boto3.client("lambda", config=config)
    return settle(event, os.environ.get("NEW_VERSION", ""), functions, boto3.client("codedeploy"))


def settle(event: Mapping[str, Any], version: str, functions: Any, deployments: Any) -> dict[str, str]:
    """Replay the golden rows in `version` and tell CodeDeploy what to do.

    Args:
        event: `DeploymentId` and `LifecycleEventHookExecutionId`.
        version: the qualified ARN of a published version.
        functions: a boto3 client of Lambda.
        deployments: a boto3 client of CodeDeploy.

    Returns:
        `{"status": "Succeeded" | "Failed"}`, as told.

    Raises:
        Exception: CodeDeploy could not be told; it takes the silence for a failure when its hour is over.
    """
    try:
        found: dict[str, Any] = {"status": "Succeeded", "health": replay(version, functions)}
    except Exception as error:  # any doubt stops the release
        found = {"status": "Failed", "reason": f"{type(error).__name__}: {error}"}
    print(json.dumps({"selfsame": "release", "version": version, **found}))  # noqa: T201 - Lambda's log
    deployments.put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status=found["status"],
    )
    return {"status": found["status"]}


def replay(version: str, functions: Any) -> dict[str, Any]:
    """Let a version replay its golden rows.

    Returns:
        The document of its GET /health.

    Raises:
        ReplayError: it is no published version, another one answered, it crashed, or an answer differs.
        KeyError, TypeError, ValueError: its answer has another form.
    """
    number = version.rpartition(":")[2]
    if not number.isdecimal():
        raise ReplayError("NEW_VERSION must be the ARN of a published version", f"it is {version!r}")
    response = functions.invoke(FunctionName=version, Payload=json.dumps(HEALTH_EVENT).encode())
    payload = response["Payload"].read()
    if "FunctionError" in response:
        raise ReplayError("The version must run", f"it ended with {payload[:SHOWN].decode(errors='replace')}")
    if response.get("ExecutedVersion") != number:
        raise ReplayError(f"Version {number} must answer", f"{response.get('ExecutedVersion')!r} did")
    answer = json.loads(payload)
    health: dict[str, Any] = json.loads(answer["body"])
    golden = health["golden"]
    held = golden["rows"] > 0 and golden["labels_differ"] == 0 and golden["outside"] == 0
    if answer["statusCode"] != 200 or health["status"] != "ok" or not held:
        rule = "Every golden row must be answered as the original estimator did"
        raise ReplayError(rule, f"status {answer['statusCode']}, {json.dumps(health)[:SHOWN]}")
    return health
