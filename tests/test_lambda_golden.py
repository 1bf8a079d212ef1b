"""The comparison itself: it must fail when an answer is wrong in the last place, and only then."""

import copy
import math
from typing import Any

import pytest
from bundle_factory import EXAMPLE, MISSING_CODE, Task, make_bundle

from lambda_handler.bundle import Bundle, read_bundle
from lambda_handler.contract import Contract
from lambda_handler.golden import NEVER, compare, replay, ulp_distance
from lambda_handler.predictor import Predictor

Line = dict[str, Any]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return read_bundle(make_bundle(tmp_path_factory.mktemp("golden") / "tiny"))


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return read_bundle(make_bundle(tmp_path_factory.mktemp("golden") / "cost", task="regression"))


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Bundle]:
    """A bundle with scores, one with labels alone, two with two targets."""
    tasks: list[Task] = ["scores", "labels", "values", "several"]
    folder = tmp_path_factory.mktemp("forms")
    return {task: read_bundle(make_bundle(folder / task, task=task)) for task in tasks}


def exact(bundle: Bundle) -> Contract:
    identical = {"class": "identical", "absolute": 0.0, "relative": 0.0}
    return Contract({**bundle.contract.document, "tolerance": identical})


def perfect(golden: list[Line]) -> list[Line]:
    return [copy.deepcopy(line.get("answer") or {"rejected": line["rejected"]}) for line in golden]


def holds(contract: Contract, golden: list[Line], answers: list[Line]) -> bool:
    return all(stratum.holds for stratum in compare(contract, golden, answers).values())


@pytest.mark.parametrize(
    ("a", "b", "steps"),
    [
        (1.0, 1.0, 0), (0.0, -0.0, 0), (math.nan, math.nan, 0), (math.inf, math.inf, 0),
        (1.0, math.nextafter(1.0, 2.0), 1), (1.0, math.nextafter(1.0, 0.0), 1), (0.0, 5e-324, 1), (-0.0, 5e-324, 1),
        (-5e-324, 5e-324, 2), (1.0, 2.0, 2**52), (1.0, -1.0, 2 * 0x3FF0000000000000),
        (-math.inf, math.inf, 2 * 0x7FF0000000000000), (1.7976931348623157e308, math.inf, 1),
        (1.0, math.nan, NEVER), (math.nan, -math.inf, NEVER), (0.0, math.nan, NEVER),
    ],
)  # fmt: skip
def test_ulp_distance(a: float, b: float, steps: int) -> None:
    assert ulp_distance(a, b) == ulp_distance(b, a) == steps


def test_the_recorded_answers_hold(bundle: Bundle, values: Bundle, forms: dict[Task, Bundle]) -> None:
    for each in (bundle, values, *forms.values()):
        golden = list(each.golden())
        strata = compare(exact(each), golden, perfect(golden))
        assert all(stratum.holds and stratum.max_ulp == 0 for stratum in strata.values())
        assert sum(stratum.rows for stratum in strata.values()) == len(golden)
        assert list(strata) == list(dict.fromkeys(line["stratum"] for line in golden))
        rows = [line["row"] for line in golden]
        assert holds(each.contract, golden, replay(Predictor(each), rows))


def last_probability(answers: list[Line]) -> None:
    answer = next(each for each in reversed(answers) if "probabilities" in each)
    answer["probabilities"]["1"] = math.nextafter(answer["probabilities"]["1"], 2.0)


def swapped_classes(answers: list[Line]) -> None:
    answers[0]["probabilities"] = dict(reversed(answers[0]["probabilities"].items()))


def swapped_values(answers: list[Line]) -> None:
    shares = answers[0]["probabilities"]
    shares["0"], shares["1"] = shares["1"], shares["0"]


def spoil(key: str, value: Any) -> Any:
    def change(answers: list[Line]) -> None:
        answers[0]["probabilities"][key] = value

    return change


def label(value: Any) -> Any:
    def change(answers: list[Line]) -> None:
        answers[0]["label"] = value(answers[0]["label"])

    return change


CHANGES = {
    "last element by one step": last_probability,
    "swapped keys": swapped_classes,
    "swapped values": swapped_values,
    "NaN": spoil("1", math.nan),
    "infinite": spoil("1", math.inf),
    "null": spoil("1", None),
    "text": spoil("1", "much"),
    "further class": spoil("2", 0.0),
    "other label": label(lambda value: 1 - value),
    "label as float": label(float),
    "label as boolean": label(bool),
    "label as text": label(str),
    "no label": lambda answers: answers[0].pop("label"),
    "no probabilities": lambda answers: answers[0].pop("probabilities"),
    "a class less": lambda answers: answers[0]["probabilities"].pop("0"),
    "permuted rows": lambda answers: answers.__setitem__(slice(0, 2), answers[1::-1]),
    "rejected instead": lambda answers: answers.__setitem__(0, {"rejected": [{"feature": "age", "kind": "missing"}]}),
    "answered instead": lambda answers: answers.__setitem__(-1, copy.deepcopy(answers[0])),
    "other reason": lambda answers: answers.__setitem__(-1, {"rejected": [{"feature": "age", "kind": "type"}]}),
    "other feature": lambda answers: answers.__setitem__(
        -1, {"rejected": [{"feature": "home", "kind": "out_of_bounds"}]}
    ),
    "no reason": lambda answers: answers.__setitem__(-1, {"rejected": []}),
    "nothing": lambda answers: answers.__setitem__(0, {}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_one_wrong_answer_is_seen(name: str, bundle: Bundle) -> None:
    golden = list(bundle.golden())
    answers = perfect(golden)
    CHANGES[name](answers)
    assert not holds(exact(bundle), golden, answers)


def place(*path: str, value: Any) -> Any:
    """A change at one place of the first answer: a function of what stands there, or what shall stand there."""

    def change(answer: Line) -> None:
        part = answer
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value(part.get(path[-1])) if callable(value) else value

    return change


def up(number: float) -> float:
    return math.nextafter(number, math.inf)


OF_FORMS: list[tuple[Task, Any]] = [
    ("scores", place("scores", "1", value=up)), ("scores", place("label", value=lambda label: -label)),
    ("scores", place("label", value=float)), ("scores", place("scores", "-1", value=0.0)),
    ("scores", lambda answer: answer.pop("scores")), ("scores", lambda answer: answer.pop("label")),
    ("scores", lambda answer: answer.update(probabilities=answer.pop("scores"))),
    ("labels", place("label", value="high ")), ("labels", lambda answer: answer.pop("label")),
    ("labels", lambda answer: answer.update(targets={"y0": {"label": answer.pop("label")}})),
    ("values", place("targets", "cost", "value", value=up)), ("values", place("targets", "days", "value", value=up)),
    ("values", lambda answer: answer["targets"].pop("days")), ("values", lambda answer: answer.pop("targets")),
    ("values", place("targets", "more", value={"value": 1.0})), ("values", place("targets", value=[1.0, 2.0])),
    ("values", lambda answer: answer.update(targets=dict(reversed(answer["targets"].items())))),
    ("several", place("targets", "late", "label", value=lambda label: not label)),
    ("several", place("targets", "late", "label", value=int)),
    ("several", place("targets", "size", "label", value="?")),
    ("several", place("targets", "late", "probabilities", "false", value=up)),
    ("several", place("targets", "size", "probabilities", "middle", value=up)),
    ("several", lambda answer: answer["targets"]["size"].pop("probabilities")),
]  # fmt: skip


@pytest.mark.parametrize(("task", "change"), OF_FORMS)
def test_one_wrong_place_in_any_form_is_seen(task: Task, change: Any, forms: dict[Task, Bundle]) -> None:
    golden = list(forms[task].golden())
    answers = perfect(golden)
    change(answers[0])
    assert not holds(exact(forms[task]), golden, answers)


def test_each_target_is_undecidable_on_its_own(forms: dict[Task, Bundle]) -> None:
    contract, golden = exact(forms["several"]), list(forms["several"].golden())
    for flags, wrong, seen in (
        ([False, True], "late", False), ([False, True], "size", True), ([True, False], "size", False),
    ):  # fmt: skip
        lines = [{**golden[0], "decidable": flags}]
        answers = perfect(lines)
        label = answers[0]["targets"][wrong]["label"]
        answers[0]["targets"][wrong]["label"] = (not label) if wrong == "late" else "?"
        stratum = compare(contract, lines, answers)["recombined"]
        assert (stratum.labels_differ, stratum.undecidable) == (int(seen), 1)


def test_each_target_has_its_own_tolerance(forms: dict[Task, Bundle]) -> None:
    contract, golden = forms["values"].contract, list(forms["values"].golden())
    assert contract.tolerance["absolute"] == [1e-9, 2e-10]
    for name, apart, inside in (("cost", 5e-10, True), ("days", 5e-10, False), ("days", 1e-10, True)):
        answers = perfect(golden)
        answers[0]["targets"][name]["value"] += apart
        assert holds(contract, golden, answers) == inside


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "much", True])
def test_one_wrong_value_is_seen(value: Any, values: Bundle) -> None:
    golden = list(values.golden())
    answers = perfect(golden)
    answers[2]["value"] = value
    strata = compare(values.contract, golden, answers)
    assert strata[golden[2]["stratum"]].outside == 1
    answers[2] = {"value": golden[2]["answer"]["value"] + 2 * values.contract.tolerance["absolute"]}
    assert not holds(values.contract, golden, answers)
    answers[2] = {"value": golden[2]["answer"]["value"] + 0.5 * values.contract.tolerance["absolute"]}
    assert holds(values.contract, golden, answers)


def test_the_worst_row_is_named(bundle: Bundle) -> None:
    golden = list(bundle.golden())
    answers = perfect(golden)
    answers[1]["probabilities"]["1"] += 0.25
    answers[2]["probabilities"]["1"] += 0.5
    stratum = compare(bundle.contract, golden, answers)["recombined"]
    assert (stratum.worst, stratum.outside, stratum.max_abs) == (2, 2, 0.5)


def test_the_label_of_an_undecidable_row_is_not_compared_but_its_numbers_are(bundle: Bundle) -> None:
    golden = [{**line, "decidable": False} if "answer" in line else line for line in bundle.golden()]
    answers = perfect(golden)
    answers[0]["label"] = 1 - answers[0]["label"]
    assert holds(exact(bundle), golden, answers)
    assert compare(exact(bundle), golden, answers)["recombined"].undecidable == 3
    last_probability(answers)
    assert not holds(exact(bundle), golden, answers)


def test_at_a_jump_nothing_is_compared_but_the_form(values: Bundle, bundle: Bundle) -> None:
    for each, change in ((values, place("value", value=7.0)), (bundle, label(lambda value: 1 - value))):
        golden = list(each.golden())
        lines = [{**golden[0], "jump": True}, *golden[1:]]
        answers = perfect(golden)
        change(answers[0] if each is values else answers)
        assert not holds(exact(each), golden, answers)
        assert holds(exact(each), lines, answers)
        assert compare(exact(each), lines, answers)[golden[0]["stratum"]].undecidable == 1
        assert not holds(exact(each), lines, [{"label": 0}, *answers[1:]])


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare_is_no_success(count: int, bundle: Bundle) -> None:
    golden = list(bundle.golden())[:count]
    with pytest.raises(ValueError, match="one answer per golden row"):
        compare(bundle.contract, golden, [])
    with pytest.raises(ValueError, match="one answer per golden row"):
        compare(bundle.contract, golden, perfect(golden) * 2 if count else [{}])


def test_a_replay_answers_good_rows_beside_rejected_ones(bundle: Bundle) -> None:
    predictor = Predictor(bundle)
    rows = [{**EXAMPLE, "age": None}, EXAMPLE, 5, {**EXAMPLE, "grade": MISSING_CODE, "home": "x"}, EXAMPLE]
    answers = replay(predictor, rows)
    assert ["rejected" in answer for answer in answers] == [True, False, True, True, False]
    assert [problem["kind"] for problem in answers[3]["rejected"]] == ["reserved", "unseen"]
    assert [answers[1], answers[4]] == predictor.predict([EXAMPLE, EXAMPLE])
    assert replay(predictor, []) == []


def test_a_replay_where_every_row_is_rejected(bundle: Bundle) -> None:
    assert all("rejected" in answer for answer in replay(Predictor(bundle), [{}, None, []]))


def test_steps_are_counted_only_where_a_number_is_larger_than_the_tolerance(bundle: Bundle) -> None:
    (told,) = bundle.contract.form.targets
    recorded = {"label": told.classes[0], "probabilities": dict(zip(told.keys, [1.0, 1e-20], strict=True))}
    golden: list[Line] = [{"stratum": "special", "row": {}, "answer": recorded, "decidable": True}]
    answer = {**recorded, "probabilities": dict(zip(told.keys, [1.0 - 2.0**-53, 0.0], strict=True))}
    stratum = compare(bundle.contract, golden, [answer])["special"]
    assert stratum.holds
    assert stratum.max_ulp == 1
    assert not compare(exact(bundle), golden, [answer])["special"].holds
