"""The interval around a value: the same two numbers to the bit in Python, in node, in CSV; a wrong one is noticed."""

import copy
import json
import math
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from bundle_factory import EXAMPLE, FEATURES, INTERVAL, contract_of, golden_lines, make_bundle, seal
from hypothesis import given
from hypothesis import strategies as st

from deploy.node import replay_js, replay_node
from deploy.schemas import schemas_of
from deploy.score import score
from lambda_handler.answer import Form
from lambda_handler.bundle import read_bundle
from lambda_handler.contract import Contract, ContractError, FormatError
from lambda_handler.golden import compare, replay
from lambda_handler.interval import Interval, read_interval
from lambda_handler.predictor import Predictor
from lambda_handler.table import write_table
from lambda_handler.v2 import model_metadata

WRONG: list[Any] = [
    {"level": 0.9, "kind": "difference", "low": -1.0},
    {**INTERVAL, "more": 1},
    {**INTERVAL, "level": 1.0},
    {**INTERVAL, "level": 0.0},
    {**INTERVAL, "level": True},
    {**INTERVAL, "kind": "factor"},
    {**INTERVAL, "low": 61.0},
    {**INTERVAL, "high": math.inf},
    {**INTERVAL, "high": math.nan},
    {**INTERVAL, "low": "0"},
    {**INTERVAL, "kind": "ratio"},
    {**INTERVAL, "kind": "ratio", "low": 0.0},
    [0.9, "difference", -1.0, 1.0],
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("interval") / "cost", name="cost", task="interval")


@pytest.fixture(scope="module")
def ratio(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ratio") / "cost"
    folder.mkdir()
    for file in bundle.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    contract = json.loads((folder / "contract.json").read_text())
    contract["interval"] = {"level": 0.8, "kind": "ratio", "low": 0.7, "high": 1.1}
    form = Form(contract)
    lines = [json.loads(line) for line in (folder / "golden.jsonl").read_text().splitlines()]
    for line in lines:
        if "answer" in line:
            line["answer"] = form.write([], [line["answer"]["value"]])
    (folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "contract.json").write_text(json.dumps(contract))
    seal(folder)
    return folder


def test_the_ends_are_one_operation_each() -> None:
    assert Interval(0.9, "difference", -0.1, 0.2).ends(0.1) == [0.0, 0.1 + 0.2]
    assert Interval(0.9, "ratio", 0.5, 3.0).ends(0.1) == [0.05, 0.1 * 3.0]
    assert Interval(0.9, "ratio", 0.5, 3.0).ends(-2.0) == [-6.0, -1.0], "the lower end comes first"


@given(
    st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e300, 1e300), st.floats(0, 1e300), st.floats(1e-9, 10)
)
def test_the_ends_are_in_order(value: float, low: float, width: float, factor: float) -> None:
    for interval in (Interval(0.9, "difference", low, low + width), Interval(0.9, "ratio", factor, factor + width)):
        lower, upper = interval.ends(value)
        assert lower <= upper


@pytest.mark.parametrize("told", WRONG)
def test_an_interval_that_says_nothing_sensible_is_refused(told: Any) -> None:
    with pytest.raises(ValueError, match="interval"):
        read_interval(told)
    document = contract_of("tiny", "interval", FEATURES, "0" * 64)
    with pytest.raises(FormatError, match="interval"):
        Contract({**document, "interval": told})


def test_only_one_value_has_an_interval() -> None:
    for task in ("classification", "values", "labels"):
        with pytest.raises(ValueError, match="around one value"):
            Form({**contract_of("tiny", task, FEATURES, "0" * 64), "interval": INTERVAL})


def test_a_contract_without_the_key_has_no_interval() -> None:
    document = contract_of("tiny", "regression", FEATURES, "0" * 64)
    del document["interval"]
    assert Contract(document).form.interval is None


def test_a_prediction_holds_its_interval(bundle: Path) -> None:
    predictor = Predictor.load(bundle)
    for rows in ([EXAMPLE], [EXAMPLE] * 20):
        for answer in predictor.predict(rows):
            value = answer["value"]
            assert list(answer) == ["value", "interval", "warnings"]
            assert answer["interval"] == [value - 40.1, value + 60.3]


def test_each_runtime_gives_the_same_bits(bundle: Path, ratio: Path) -> None:
    for folder in (bundle, ratio):
        lines = [line for line in read_bundle(folder).golden() if "answer" in line]
        rows = [line["row"] for line in lines]
        contract = Predictor.load(folder).contract
        for answers in (replay(Predictor.load(folder), rows), replay_js(folder, rows), replay_node(folder, rows)):
            assert [answer["interval"] for answer in answers] == [
                contract.form.interval.ends(answer["value"]) for answer in answers if contract.form.interval
            ]
            assert all(stratum.holds for stratum in compare(contract, lines, answers).values())


def spoil(answer: dict[str, Any], how: str) -> None:
    ends = answer["interval"]
    changes: dict[str, Any] = {
        "one step": [ends[0], math.nextafter(ends[1], math.inf)], "swapped": ends[::-1], "none": None,
        "short": ends[:1], "NaN": [ends[0], math.nan], "long": [*ends, 0.0],
    }  # fmt: skip
    answer["interval"] = changes[how]


@pytest.mark.parametrize("how", ["one step", "swapped", "none", "short", "NaN", "long"])
def test_another_interval_is_noticed(bundle: Path, how: str) -> None:
    contract = Predictor.load(bundle).contract
    golden = [line for line in golden_lines("interval", FEATURES) if "answer" in line]
    answers = [copy.deepcopy(line["answer"]) for line in golden]
    assert all(stratum.holds for stratum in compare(contract, golden, answers).values())
    spoil(answers[1], how)
    assert not all(stratum.holds for stratum in compare(contract, golden, answers).values())
    assert contract.form.read({"value": 1.0}) is None
    plain = Form(contract_of("tiny", "regression", FEATURES, "0" * 64))
    assert plain.read(golden[0]["answer"]) is None, "an interval that the contract does not know"


def test_the_recorded_interval_is_held_in_node(bundle: Path, tmp_path: Path) -> None:
    script = tmp_path / "held.mjs"
    js = Path(__file__).parents[1] / "web_demo" / "js"
    script.write_text(
        f"import {{ readRecorded }} from '{js}/answer.js';\nimport {{ readContract }} from '{js}/contract.js';\n"
        "import { readFileSync } from 'node:fs';\n"
        f"const {{ form }} = readContract(readFileSync('{bundle}/contract.json', 'utf8'));\n"
        f"const right = {{ value: 0.3, interval: [0.3 + {INTERVAL['low']}, 0.3 + {INTERVAL['high']}] }};\n"
        "const wrong = [right.interval[0], right.interval[1] * (1 + 2 ** -52)];\n"
        "for (const interval of [right.interval, wrong, [right.interval[0]], undefined, 'ab'])\n"
        "  console.log(readRecorded(form, { value: 0.3, interval }) !== null);\n"
    )
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["true", "false", "false", "false", "false"]


def test_a_row_whose_interval_is_not_finite_has_no_answer() -> None:
    form = Form({**contract_of("tiny", "interval", FEATURES, "0" * 64), "interval": {**INTERVAL, "high": 1e308}})
    assert form.ends([1e308]) == [1e308 - 40.1, math.inf]


def test_too_large_an_interval_is_refused_row_by_row(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "far"
    folder.mkdir()
    for file in bundle.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    contract = json.loads((folder / "contract.json").read_text())
    contract["interval"] = {"level": 0.9, "kind": "ratio", "low": 1.0, "high": 1e308}
    (folder / "contract.json").write_text(json.dumps(contract))
    seal(folder)
    with pytest.raises(ContractError, match="no finite answer"):
        Predictor.load(folder).predict([EXAMPLE])
    for answers in (replay_js(folder, [EXAMPLE]), replay_node(folder, [EXAMPLE])):
        assert answers[0]["rejected"][0]["kind"] == "no_answer"


def test_files_tables_and_tensors_have_the_ends(bundle: Path, tmp_path: Path) -> None:
    contract = Predictor.load(bundle).contract
    [answer] = Predictor.load(bundle).predict([EXAMPLE])
    table = write_table(contract.form, [answer, {"warnings": []}]).splitlines()
    assert table[0] == "value,interval_low,interval_high,warnings"
    assert [float(cell) for cell in table[1].split(",")[:3]] == [answer["value"], *answer["interval"]]
    assert table[2] == ",,,"
    (tmp_path / "rows.jsonl").write_text(json.dumps(EXAMPLE) + "\n" + json.dumps({**EXAMPLE, "age": 151}) + "\n")
    score(bundle, tmp_path / "rows.jsonl", tmp_path / "scored.parquet")
    good, bad = pq.read_table(tmp_path / "scored.parquet").to_pylist()
    assert [good["value"], good["interval_low"], good["interval_high"]] == [answer["value"], *answer["interval"]]
    assert (bad["interval_low"], bad["interval_high"]) == (None, None)
    outputs = {each["name"]: each["shape"] for each in model_metadata(contract)["outputs"]}
    assert outputs == {"value": [-1], "interval": [-1, 2]}
    assert schemas_of(contract)["Prediction"]["properties"]["interval"]["minItems"] == 2
