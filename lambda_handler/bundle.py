"""Open a bundle: version and digests are checked before anything in it is used, and the graph is looked over."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambda_handler.audit import AuditError, audit
from lambda_handler.contract import Contract, FormatError, check_format, read_contract

REQUIRED = ("model.onnx", "contract.json", "golden.jsonl", "parity.json", "reference.json", "card.html")


class BundleError(ValueError):
    """A bundle that must not be loaded: the rule, what was found, what to do."""

    def __init__(self, path: Path, rule: str, got: str, remedy: str = "Run `selfsame export` again.") -> None:
        super().__init__(f"{path}: {rule}; {got}. {remedy}")


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files matched its manifest when it was opened.

    Attributes:
        path: the folder.
        manifest: the parsed manifest.json.
        contract: the contract.
        model: the bytes of model.onnx.
    """

    path: Path
    manifest: Mapping[str, Any]
    contract: Contract
    model: bytes

    def read(self, name: str) -> bytes:
        """The bytes of one listed file, its digest checked again.

        Raises:
            BundleError: the file is not listed, is gone, or has changed.
        """
        return _read_checked(self.path, name, self.manifest["files"])

    def golden(self) -> Iterator[dict[str, Any]]:
        """The golden rows with the original's answers, one object per line of golden.jsonl."""
        for line in self.read("golden.jsonl").splitlines():
            yield json.loads(line)


def read_bundle(path: Path | str) -> Bundle:
    """Check every file of a bundle against its manifest and read its contract and model.

    Raises:
        BundleError: the folder is no bundle, its format is another, a file is missing or its digest differs, or the
            model holds what no export writes.
    """
    folder = Path(path)
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


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
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
    return dict(manifest)


def _read_checked(folder: Path, name: str, files: Mapping[str, str]) -> bytes:
    if name not in files:
        raise BundleError(folder, "only files that the manifest lists are read", f"{name} is not listed")
    if "/" in name or "\\" in name or name in {"", ".", ".."}:
        raise BundleError(folder, "a bundle's files lie in the folder itself", f"the manifest names {name!r}")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise BundleError(folder, f"{name} must be there", f"it cannot be read ({error.strerror})") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != files[name]:
        got = f"it is {digest[:12]}… and not {str(files[name])[:12]}…: the file was changed after the export"
        raise BundleError(folder, f"{name} must have the SHA-256 of the manifest", got)
    return content
