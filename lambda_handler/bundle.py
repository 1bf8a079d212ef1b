"""Open a bundle: version and digests are checked before anything in it is used, and the graph is looked over."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from lambda_handler.audit import AuditError, audit
from lambda_handler.contract import Contract, FormatError, check_format, read_contract

if TYPE_CHECKING:
    from pathlib import Path

OPENSSL_FROM = 1_000_000  # bytes
REQUIRED = ("model.onnx", "contract.json", "golden.jsonl", "parity.json", "reference.json", "card.html")

SEAL = b',\n "sha256": "%s"\n}\n'  # how manifest.json ends: the digest of all bytes before this
SEAL_BYTES = len(SEAL) - 2 + 64


class BundleError(ValueError):
    """A bundle that must not be loaded: the rule, what was found, what to do."""

    def __init__(self, path: "Path | str", rule: str, got: str, remedy: str = "Run `selfsame export` again.") -> None:
        super().__init__(f"{path}: {rule}; {got}. {remedy}")


class Bundle(NamedTuple):
    """A bundle whose files matched its manifest when it was opened.

    Attributes:
        folder: where it lies.
        manifest: the parsed manifest.json.
        contract: the contract.
        model: the bytes of model.onnx.
    """

    folder: "Path | str"
    manifest: Mapping[str, Any]
    contract: Contract
    model: bytes

    @property
    def path(self) -> "Path":
        """The folder."""
        from pathlib import Path  # here: its import costs a cold start 2 ms

        return Path(self.folder)

    def read(self, name: str) -> bytes:
        """The bytes of one listed file, its digest checked again.

        Raises:
            BundleError: the file is not listed, is gone, or has changed.
        """
        return _read_checked(self.folder, name, self.manifest["files"])

    def golden(self) -> Iterator[dict[str, Any]]:
        """The golden rows with the original's answers, one object per line of golden.jsonl."""
        for line in self.read("golden.jsonl").splitlines():
            yield json.loads(line)


def read_bundle(folder: "Path | str") -> Bundle:
    """Check every file of a bundle against its manifest and read its contract and model.

    Raises:
        BundleError: the folder is no bundle, its format is another, a file is missing or its digest differs, or the
            model holds what no export writes.
    """
    manifest = _read_manifest(folder)
    files = manifest["files"]
    for name in REQUIRED:
        if name not in files:
            raise BundleError(folder, f"the manifest must list {name}", "it does not")
    contents = {name: _read_checked(folder, name, files) for name in files}
    try:
        contract = read_contract(contents["contract.json"])
    except FormatError as error:
        raise BundleError(folder, "the contract must be readable", str(error), "") from error
    if contract.model_sha256 != files["model.onnx"]:
        raise BundleError(folder, "the contract must belong to the model", "it names another model's SHA-256")
    try:
        audit(contents["model.onnx"], [feature.input for feature in contract.features], contract.form.outputs)
    except AuditError as error:
        raise BundleError(folder, "the model must be one that an export writes", str(error), "") from error
    return Bundle(folder, manifest, contract, contents["model.onnx"])


def _read_manifest(folder: "Path | str") -> dict[str, Any]:
    try:
        content = _read_file(folder, "manifest.json")
        manifest = json.loads(content)
        check_format("manifest.json", manifest)
    except OSError as error:
        rule = "a bundle is a folder with a manifest.json"
        raise BundleError(folder, rule, f"it cannot be read ({error.strerror})", "Name a folder that `selfsame export` "
                          "wrote.") from error  # fmt: skip
    except FormatError as error:
        raise BundleError(folder, "the bundle's format must be this build's", str(error), "") from error
    except ValueError as error:
        raise BundleError(folder, "manifest.json must be JSON", str(error)) from error
    if not isinstance(manifest.get("files"), dict):
        raise BundleError(folder, "manifest.json must list the files", "there is no such list")
    head, end = content[:-SEAL_BYTES], content[-SEAL_BYTES:]
    if end != SEAL % sha256_of(head).encode():
        rule, got = "manifest.json must end with its own SHA-256", "it does not: the file was changed after the export"
        raise BundleError(folder, rule, got)
    return dict(manifest)


def _read_checked(folder: "Path | str", name: str, files: Mapping[str, str]) -> bytes:
    if name not in files:
        raise BundleError(folder, "only files that the manifest lists are read", f"{name} is not listed")
    if "/" in name or "\\" in name or name in {"", ".", ".."}:
        raise BundleError(folder, "a bundle's files lie in the folder itself", f"the manifest names {name!r}")
    try:
        content = _read_file(folder, name)
    except OSError as error:
        raise BundleError(folder, f"{name} must be there", f"it cannot be read ({error.strerror})") from error
    digest = sha256_of(content)
    if digest != files[name]:
        got = f"it is {digest[:12]}… and not {str(files[name])[:12]}…: the file was changed after the export"
        raise BundleError(folder, f"{name} must have the SHA-256 of the manifest", got)
    return content


def _read_file(folder: "Path | str", name: str) -> bytes:
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def sha256_of(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal digits.

    hashlib loads OpenSSL, which costs a cold start 3 ms; that pays from a megabyte on, for it is three times as fast.
    """
    if len(content) < OPENSSL_FROM:
        with suppress(ImportError):  # a Python built without it
            from _sha2 import sha256  # type: ignore[import-not-found] # the stubs leave it out

            return str(sha256(content).hexdigest())
    import hashlib

    return hashlib.sha256(content).hexdigest()
