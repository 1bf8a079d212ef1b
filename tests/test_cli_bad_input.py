"""Bad input through the command: exit code 2, one message (rule, what was got, what to do), nothing left behind."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from selfsame import main
from tests.bundle_factory import make_bundle, seal

GOOD = "amount,colour,paid\n" + "".join(
    f"{row * 37 % 101},{'red' if row % 3 else 'blue'},{row % 2}\n" for row in range(100)
)


def listing(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must be refused; gives its message."""

    def run(*words: object) -> str:
        before = listing(tmp_path)
        assert main([str(word) for word in words]) == 2
        said = capsys.readouterr()
        assert said.err.startswith("selfsame: ")
        assert "Traceback" not in said.err
        assert listing(tmp_path) == before, "nothing half-written stays behind"
        return said.err

    return run


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("good") / "bundle")


TABLES = {
    "no target": (GOOD.replace("paid", "payed"), ("--target", "column", "Did you mean 'payed'?")),
    "empty": ("", ("must have a header line and rows", "an empty file", "Check the path.")),
    "twice": (GOOD.replace("colour", "amount"), ("names must differ", "'amount' 2 times", "Rename one")),
    "one class": (re.sub(r"\d\n", "1\n", GOOD), ("two", "1 in all 100 rows", ".")),
    "all missing": (
        "a,b,paid\n" + "".join(f",NA,{row % 2}\n" for row in range(100)),
        ("At least one column must be left", "a: every value is missing", "Bring more columns"),
    ),
    "mixed delimiters": (
        GOOD + "5;red;1\n",
        ("as many fields as the header", "line 102", "the file mixes delimiters"),
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_train_refuses_a_bad_table(case: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    text, parts = TABLES[case]
    (tmp_path / "data.csv").write_text(text)
    message = refused("train", tmp_path / "data.csv", "--target", "paid", "--out", tmp_path / "run")
    for part in parts:
        assert part in message


def test_train_refuses_another_encoding(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "data.csv").write_bytes(GOOD.replace("red", "rouge né").encode("latin-1"))
    message = refused("train", tmp_path / "data.csv", "--target", "paid", "--out", tmp_path / "run")
    for part in ("must be text in utf-8", "byte 0xe9", "line 3", 'encoding = "cp1252"'):
        assert part in message


@pytest.mark.parametrize(
    ("start", "parts"),
    [
        (b"PK\x03\x04", ("an archive or a spreadsheet", "save the sheet as CSV")),
        (b"\x1f\x8b", ("an archive or a spreadsheet", "Unpack it")),
        (b"\xff\xfea\x00", ("must be text in utf-8", "byte 0xff", 'encoding = "utf-16"')),
    ],
)
def test_train_says_what_a_file_is_that_is_no_text(
    start: bytes, parts: tuple[str, ...], tmp_path: Path, refused: Callable[..., str]
) -> None:
    (tmp_path / "data.csv").write_bytes(start + b"\x00\x01" * 50)
    message = refused("train", tmp_path / "data.csv", "--target", "paid", "--out", tmp_path / "run")
    for part in ("data.csv", *parts):
        assert part in message


def test_train_refuses_a_place_below_a_file_before_it_reads_the_table(
    tmp_path: Path, refused: Callable[..., str]
) -> None:
    (tmp_path / "data.csv").write_text(GOOD)
    words = ("train", tmp_path / "none.csv", "--target", "paid", "--out", tmp_path / "data.csv" / "run")
    assert "must lie in a folder" in refused(*words)


def test_train_refuses_to_write_over_something_else(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "data.csv").write_text(GOOD)
    refused("train", tmp_path / "data.csv", "--target", "paid", "--out", tmp_path / "data.csv")
    refused("train", tmp_path / "data.csv", "--target", "paid", "--out", tmp_path)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text(GOOD)
    return tmp_path / "rows.csv"


def test_export_refuses_an_unfitted_pipeline(rows: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    skops.io.dump(LogisticRegression(), tmp_path / "model.skops")
    message = refused("export", tmp_path / "model.skops", "--rows", rows, "--out", tmp_path / "bundle")
    assert "is not fitted" in message
    assert "Fit it on a DataFrame and save it again." in message


def test_export_refuses_what_it_cannot_do_exactly(rows: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    frame = pd.read_csv(rows)
    skops.io.dump(KNeighborsClassifier().fit(frame[["amount"]], frame["paid"]), tmp_path / "model.skops")
    message = refused("export", tmp_path / "model.skops", "--rows", rows, "--out", tmp_path / "bundle")
    assert "--allow-training-rows" in message
    skops.io.dump(
        KNeighborsClassifier(algorithm="brute").fit(frame[["amount"]], frame["paid"]), tmp_path / "model.skops"
    )
    message = refused("export", tmp_path / "model.skops", "--rows", rows, "--out", tmp_path / "bundle")
    assert "step kneighborsclassifier" in message.lower()
    assert "kd_tree" in message


def test_export_refuses_rows_that_do_not_fit(rows: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    frame = pd.read_csv(rows)
    skops.io.dump(LogisticRegression().fit(frame[["amount"]], frame["paid"]), tmp_path / "model.skops")
    assert "Add --rows TABLE" in refused("export", tmp_path / "model.skops", "--out", tmp_path / "bundle")
    rows.write_text(GOOD.replace("amount", "amounts"))
    message = refused("export", tmp_path / "model.skops", "--rows", rows, "--out", tmp_path / "bundle")
    assert "no 'amount'" in message
    assert "Did you mean 'amounts'?" in message
    refused("export", tmp_path / "none.skops", "--rows", rows, "--out", tmp_path / "bundle")
    refused("export", tmp_path, "--out", tmp_path / "bundle")


def one_byte_changed(bundle: Path) -> None:
    content = bytearray((bundle / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / "model.onnx").write_bytes(content)


def a_file_missing(bundle: Path) -> None:
    (bundle / "golden.jsonl").unlink()


def a_newer_format(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "format": 3}))


def no_manifest(bundle: Path) -> None:
    (bundle / "manifest.json").unlink()


BROKEN = {
    one_byte_changed: ("model.onnx must have the SHA-256", "was changed after the export", "selfsame export"),
    a_file_missing: ("golden.jsonl must be there", "No such file", "selfsame export"),
    a_newer_format: ("bundle format 3", "this build reads 2", "Upgrade selfsame"),
    no_manifest: ("a folder with a manifest.json", "cannot be read", "Name a folder that `selfsame export` wrote"),
}


@pytest.mark.parametrize("command", ["verify", "serve", "score", "site", "package"])
@pytest.mark.parametrize("breaking", BROKEN)
def test_a_broken_bundle_is_refused_by_every_command(
    breaking: Callable[[Path], None], command: str, good: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    bundle = shutil.copytree(good, tmp_path / "bundle")
    breaking(bundle)
    (tmp_path / "rows.csv").write_text("income,age\n1,2\n")
    out = tmp_path / "out.csv"
    rest = {"score": [tmp_path / "rows.csv", out], "site": ["--out", out], "package": ["--out", out]}
    message = refused(command, bundle, *rest.get(command, []))
    for part in BROKEN[breaking]:
        assert part in message


def test_a_bundle_of_another_model_does_not_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    assert main(["verify", str(bundle)]) == 0
    contract = json.loads((bundle / "contract.json").read_text(encoding="utf-8"))
    contract["threshold"]["value"] = 0.41
    (bundle / "contract.json").write_text(json.dumps(contract), encoding="utf-8")
    seal(bundle)
    assert main(["verify", str(bundle)]) == 0, "no golden row of this small bundle lies between 0.40 and 0.41"
    contract["threshold"]["value"] = 0.9
    (bundle / "contract.json").write_text(json.dumps(contract), encoding="utf-8")
    seal(bundle)
    capsys.readouterr()
    assert main(["verify", str(bundle)]) == 1
    assert "It does not hold." in capsys.readouterr().out
    assert main(["verify", str(bundle), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["holds"] is False


@pytest.mark.parametrize(("command", "word"), [("site", "replaces only"), ("package", "new or an empty folder")])
def test_a_folder_with_something_else_is_left_alone(
    command: str, word: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    assert word in refused(command, bundle, "--out", tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep me"


@pytest.mark.parametrize("command", ["site", "package"])
def test_a_folder_that_cannot_be_made(command: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    (tmp_path / "file").write_text("")
    message = refused(command, bundle, "--out", tmp_path / "file" / "out")
    assert str(tmp_path / "file") in message


def test_two_bundles_of_one_name_are_not_shown_together(tmp_path: Path, refused: Callable[..., str]) -> None:
    first = make_bundle(tmp_path / "first")
    second = shutil.copytree(first, tmp_path / "second")
    assert "different names" in refused("site", first, second, "--out", tmp_path / "site")
