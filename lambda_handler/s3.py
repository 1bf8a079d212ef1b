"""Objects in S3: each is read, scored row by row and written as JSONL to where SELFSAME_OUTPUT says."""

import io
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import IO, Any
from urllib.parse import unquote_plus

from lambda_handler.contract import Contract
from lambda_handler.each import scored_lines
from lambda_handler.problem import LineError, NotTextError, RequestError, encode_json
from lambda_handler.request import json_line
from lambda_handler.service import Service, Source
from lambda_handler.table import TableError, read_rows

CHUNK = 1000  # rows at a time: memory stays flat
OUTPUT = "SELFSAME_OUTPUT"  # s3://BUCKET/PREFIX/
SUFFIXES = (".csv", ".jsonl", ".ndjson")


class ObjectError(RequestError):
    """An object that is not scored (422)."""

    status = 422

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; got {got}. {remedy}")


def score_objects(records: list[Any], service: Service, request_id: str | None) -> dict[str, Any]:
    """Score the objects that a notification names.

    A row that breaks the contract is written with its problems; the others are answered.

    Args:
        records: of the notification.
        service: answers the rows.
        request_id: of this call.

    Returns:
        `{"written": [{"bucket", "key", "rows", "answered"}, …], "model", "request_id"}`.

    Raises:
        RequestError: an object is no CSV or JSONL, the output is not told, or lies where it would be scored again.
        botocore.exceptions.ClientError: S3 refuses.
    """
    bucket, prefix = _output()
    written = []
    for record in records:
        try:
            source, key = record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])
        except (AttributeError, KeyError, TypeError):
            raise ObjectError("A record names a bucket and a key", "another one", "Send S3's notification.") from None
        if not key.lower().endswith(SUFFIXES):
            raise ObjectError(f"An object's key ends in {', '.join(SUFFIXES)}", "another one", "Filter by the suffix.")
        if source == bucket and key.startswith(prefix):
            rule, got = f"{OUTPUT} lies where no notification is sent from", "an object in it"
            raise ObjectError(rule, got, "Notify of another prefix or bucket.")
        written.append(_score(source, key, bucket, f"{prefix}{key}.jsonl", service, Source("s3", request_id)))
    return {"written": written, "model": service.model, "request_id": request_id}


def _output() -> tuple[str, str]:
    told = os.environ.get(OUTPUT, "")
    bucket, _, prefix = told.removeprefix("s3://").partition("/")
    if not told.startswith("s3://") or not bucket:
        raise ObjectError(f"{OUTPUT} is s3://BUCKET/PREFIX/", "none such", "Set it in the function's environment.")
    return bucket, prefix


def _score(source: str, key: str, bucket: str, target: str, service: Service, origin: Source) -> dict[str, Any]:
    count = answered = 0
    with tempfile.TemporaryFile() as taken, tempfile.TemporaryFile() as made:
        client().download_fileobj(source, key, taken)
        taken.seek(0)
        rows = _rows(service.predictor.contract, key, taken)
        while chunk := list(islice(rows, CHUNK)):
            for line in scored_lines(service, chunk, origin):
                made.write(encode_json(line).encode() + b"\n")
                answered += "problems" not in line
            count += len(chunk)
        made.seek(0)
        client().upload_fileobj(made, bucket, target, ExtraArgs={"ContentType": "application/jsonl"})
    return {"bucket": bucket, "key": target, "rows": count, "answered": answered}


def _rows(contract: Contract, key: str, taken: IO[bytes]) -> Iterator[Any]:
    text = io.TextIOWrapper(taken, encoding="utf-8-sig", newline="" if key.lower().endswith(".csv") else "\n")
    try:
        if key.lower().endswith(".csv"):
            yield from read_rows(contract, text)
        else:
            yield from (json_line(number, line) for number, line in enumerate(text, 1) if line.strip())
    except TableError as error:
        raise LineError(error.rule, error.line, error.got) from None
    except UnicodeDecodeError:
        raise NotTextError("its bytes are not") from None
    finally:
        text.detach()


@cache
def client() -> Any:
    """S3's client, made once; boto3 is in Lambda's runtime."""
    import boto3  # noqa: TID251 - an event of S3 alone needs it

    return boto3.client("s3")
