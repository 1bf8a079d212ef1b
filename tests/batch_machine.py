"""The state machine of batch scoring, executed by moto's interpreter with the real handler.

The interpreter knows no `ItemBatcher`, no JSON lines, no Express children and no `WriterConfig`, throws a map's results
away and calls a mock in Lambda's place. `interpreted` takes those fields out of the definition and `Plumbing` does
what they say: batches of the size that was asked for, lines read as items, outputs kept and flattened, and the
runtime client's own code around the handler. Every state, path, retry and catch is executed as it is deployed.
"""

import json
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import boto3
import pytest
from awslambdaric.bootstrap import handle_event_request
from awslambdaric.lambda_runtime_log_utils import LogFormat
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_output_transformer import (
    transformer_json,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import distributed_iteration_component
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

from tests.stack_tools import REGION, ROOT

Handler = Callable[[Any, Any], Any]
BUCKET, FUNCTION = "batch-bucket", f"arn:aws:lambda:{REGION}:123456789012:function:selfsame:live"
MAPS = ("ScoreCsv", "ScoreJsonl")
THROTTLED: Any = {
    "Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."},
    "ResponseMetadata": {"HTTPStatusCode": 429, "RequestId": "request"},
}


def definition() -> Any:
    """The file as it is deployed, its substitutions made."""
    text = (ROOT / "deploy" / "batch.asl.json").read_text(encoding="utf-8")
    for name, value in {"Bucket": BUCKET, "Function": FUNCTION, "Partition": "aws"}.items():
        text = text.replace(f"${{{name}}}", value)
    return json.loads(text)


def interpreted(machine: Any) -> tuple[Any, dict[str, int]]:
    """The machine without the fields that moto does not know, and the size of each map's batches."""
    machine, sizes = deepcopy(machine), {}
    for name in MAPS:
        state = machine["States"][name]
        sizes[name] = state.pop("ItemBatcher")["MaxItemsPerBatch"]
        state["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] = "STANDARD"
        del state["ResultWriter"]["WriterConfig"]
        if state["ItemReader"]["ReaderConfig"]["InputType"] == "JSONL":
            state["ItemReader"]["ReaderConfig"]["InputType"] = "JSON"
    return machine, sizes


class Plumbing:
    """What lies between the interpreter and the handler.

    Args:
        handler: the function.
        sizes: rows in a batch, per map.
        throttled: how many calls Lambda refuses before it takes one.

    Attributes:
        batches: what each child of the map was given.
        outputs: what it gave; None where it failed.
        events: what the function was called with.
    """

    def __init__(self, handler: Handler, sizes: dict[str, int], throttled: int) -> None:
        self._handler, self._sizes = handler, sizes
        self.batches: list[list[Any]] = []
        self.outputs: list[list[Any] | None] = []
        self.events: list[Any] = []
        self.throttled = throttled

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put it into moto, until the patch is undone."""
        component = distributed_iteration_component.DistributedIterationComponent
        run = component._map_run

        def run_batches(map_: Any, env: Any, eval_input: Any) -> None:
            items, size = env.stack.pop(), self._sizes[eval_input.state_name]
            self.batches = [items[start : start + size] for start in range(0, len(items), size)]
            env.stack.append([{"Items": batch} for batch in self.batches])
            run(map_, env=env, eval_input=eval_input)
            self.outputs = deepcopy(env.stack[-1])

        def read_lines(_: Any, env: Any) -> None:
            env.stack.pop()
            env.stack.append([json.loads(line) for line in env.stack.pop().splitlines()])

        patch.setattr(component, "_map_run", run_batches)
        patch.setattr(transformer_json.ResourceOutputTransformerJson, "_eval_body", read_lines)
        patch.setattr(lambda_eval_utils, "_invoke_lambda_function", self._invoke)

    def _invoke(self, parameters: Any, region: str, state_credentials: Any) -> Any:
        """Call the handler as the runtime client does; the answer is what the interpreter gets from Lambda."""
        assert parameters["FunctionName"] == FUNCTION
        self.events.append(json.loads(parameters["Payload"]))
        if len(self.events) <= self.throttled:
            raise ClientError(THROTTLED, "Invoke")
        client = _Client()
        handle_event_request(
            client, self._handler, "request", parameters["Payload"], "application/json", None, None, FUNCTION,
            str(int(time.time() * 1000) + 30000), None, _Sink(),
        )  # fmt: skip
        return {"StatusCode": 200, **client.answer}


class _Client:
    """In the place of the runtime client's HTTP half."""

    marshaller = LambdaMarshaller()

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}

    def post_invocation_result(self, _: str, result: str, *rest: Any) -> None:
        self.answer = {"Payload": json.loads(result)}

    def post_invocation_error(self, _: str, error: str, *rest: Any) -> None:
        self.answer = {"Payload": json.loads(error), "FunctionError": "Unhandled"}


class _Sink:
    """In the place of the runtime client's log."""

    format = LogFormat.TEXT

    def log_error(self, lines: Any) -> None:
        """Keep quiet."""


class Execution:
    """One execution, from its input to its end.

    Args:
        machine: as `definition` gives it.
        handler: the function.
        start: the execution's input.
        files: key to content of the bucket.
        throttled: how many calls Lambda refuses before it takes one.

    Attributes:
        status: SUCCEEDED or FAILED.
        described: what the service says of the execution.
        lines: what the result writer is given, flattened as it is told to.
        failed: the rows of each batch that failed, of which AWS writes its FAILED files. How many of these end the run,
            the interpreter does not know: to it they never do.
        events: what the function was called with.
        keys: what lies in the bucket afterwards.
    """

    def __init__(self, machine: Any, handler: Handler, start: Any, files: dict[str, str], throttled: int = 0) -> None:
        plain, sizes = interpreted(machine)
        plumbing = Plumbing(handler, sizes, throttled)
        settings = {"stepfunctions": {"execute_state_machine": True}}
        with pytest.MonkeyPatch.context() as patch:
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                patch.setenv(name, "testing")
            patch.setenv("AWS_DEFAULT_REGION", REGION)
            with mock_aws(config=settings):
                plumbing.install(patch)
                s3, states = boto3.client("s3"), boto3.client("stepfunctions")
                s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
                for key, content in files.items():
                    s3.put_object(Bucket=BUCKET, Key=key, Body=content.encode())
                role = "arn:aws:iam::123456789012:role/batch"
                created = states.create_state_machine(name="batch", definition=json.dumps(plain), roleArn=role)
                arn = states.start_execution(
                    stateMachineArn=created["stateMachineArn"], name="one", input=json.dumps(start)
                )["executionArn"]
                self.described = _wait(states, arn)
                self.keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
        self.status = self.described["status"]
        ended = list(zip(plumbing.batches, plumbing.outputs, strict=True))
        self.lines = [line for _, output in ended for line in output or []]
        self.failed = [batch for batch, output in ended if output is None]
        self.events = plumbing.events


def _wait(states: Any, arn: str) -> Any:
    for _ in range(600):
        described = states.describe_execution(executionArn=arn)
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.05)
    raise TimeoutError("the execution has not ended after 30 s")
