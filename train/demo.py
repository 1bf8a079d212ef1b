"""The embedded cases of `selfsame demo`: data that needs no download."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes, load_digits

from train.columns import Decision
from train.config import CandidateSettings, ColumnSettings, Config, RunSettings, Task
from train.demo_loan import simulate_applicants
from train.material import Material
from train.target import Target, check_target

SIMULATED = "The applicants are simulated: no real person stands in this data."


@dataclass(frozen=True)
class DemoCase:
    """A frame in memory and what is known about it.

    Attributes:
        name: Of the case, and of its run.
        X: float64 and `str` columns, NaN for missing, index 0 … n_rows - 1.
        y: int64, bool or object (texts) for classes, float64 for regression; named; none missing.
        task: Classification or regression.
        description: What the model answers, in one sentence.
        notice: What everyone who sees the model has to be told, or None.
        target_unit: The unit of `y`, or None.
        target_description: What `y` means.
        units: Of the features that have one.
        descriptions: Of the features.
        probability: The true probability of the last class where a simulation knows it.
        candidates: Which models are compared, and their sizes.
        sensitive: Columns across whose values the model is compared for fairness.
    """

    name: str
    X: pd.DataFrame
    y: pd.Series
    task: Task
    description: str
    notice: str | None = None
    target_unit: str | None = None
    target_description: str | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    probability: pd.Series | None = None
    candidates: CandidateSettings = field(default_factory=CandidateSettings)
    sensitive: tuple[str, ...] = ()


def demo_cases() -> list[DemoCase]:
    """Return the embedded cases: loan default (two classes, simulated), diabetes progression (a number), digits."""
    return [loan_case(), diabetes_case(), digits_case()]


def loan_case(rows: int = 8000, seed: int = 7) -> DemoCase:
    """Return the simulated loan applicants as a case."""
    X, y, probability = simulate_applicants(rows, seed)
    return DemoCase(
        name="loan-default",
        X=X,
        y=y,
        task="classification",
        description="Probability that a loan is not paid back.",
        notice=SIMULATED,
        target_description="1 where the loan was not paid back",
        units={"amount": "EUR", "interest": "% a year", "years": "years", "income": "EUR a year", "age": "years"},
        descriptions={
            "amount": "Amount of the loan",
            "interest": "Interest rate",
            "grade": "The lender's grade, A the best",
            "years": "Years employed, missing where not stated",
            "ownership": "How the applicant lives",
            "income": "Yearly income",
            "age": "Age",
            "purpose": "What the loan is for",
        },
        probability=probability,
        candidates=CandidateSettings(trees=100),
        sensitive=("age",),
    )


def diabetes_case() -> DemoCase:
    """Return scikit-learn's diabetes data in the units of measurement (442 patients, Efron et al. 2004)."""
    bunch = load_diabetes(as_frame=True, scaled=False)
    return DemoCase(
        name="diabetes-progression",
        X=bunch.data.astype("float64"),
        y=bunch.target.astype("float64").rename("progression"),
        task="regression",
        description="Disease progression one year after baseline, from ten measurements of a diabetes patient.",
        target_description="disease progression one year after baseline",
        units={"age": "years", "bmi": "kg/m²", "bp": "mmHg"},
        descriptions={
            "age": "Age",
            "sex": "Sex, coded 1 and 2 as in the source",
            "bmi": "Body mass index",
            "bp": "Average blood pressure",
            "s1": "Total serum cholesterol (tc)",
            "s2": "Low-density lipoproteins (ldl)",
            "s3": "High-density lipoproteins (hdl)",
            "s4": "Total cholesterol over hdl (tch)",
            "s5": "Logarithm of serum triglycerides level, possibly (ltg)",
            "s6": "Blood sugar level (glu)",
        },
        sensitive=("sex",),
    )


def digits_case() -> DemoCase:
    """Return scikit-learn's handwritten digits: 1,797 drawings of 8 by 8 pixels (Alpaydin and Kaynak 1998).

    A column `pixel_R_C` counts the dots with ink, 0 to 16, in the 4 by 4 dots of one field of a drawing of 32 by 32.
    """
    bunch = load_digits(as_frame=True)
    X = bunch.data.astype("float64")
    places = [str(name).split("_")[1:] for name in X.columns]
    return DemoCase(
        name="digits",
        X=X,
        y=bunch.target.astype("int64").rename("digit"),
        task="classification",
        description="Which digit is drawn.",
        descriptions={
            str(name): f"Dots with ink in row {int(row) + 1}, column {int(column) + 1}"
            for name, (row, column) in zip(X.columns, places, strict=True)
        },
        candidates=CandidateSettings(names=("linear", "forest"), trees=60),
    )


def material_from_case(case: DemoCase) -> Material:
    """Return the case in the form that fitting takes; the digest is that of the data written as CSV."""
    target_name = str(case.y.name)
    y = case.y.to_numpy()
    check_target(target_name, case.task, y)
    csv = case.X.assign(**{target_name: case.y}).to_csv(index=False, lineterminator="\n")
    target = Target(
        target_name,
        case.task,
        f"{case.task}: embedded data",
        y,
        np.ones(len(y), dtype=bool),
        unit=case.target_unit,
        description=case.target_description,
    )
    decisions = [_decision(case, str(name)) for name in case.X.columns]
    decisions.append(
        Decision(target_name, "target", target.reason, unit=case.target_unit, description=case.target_description)
    )
    return Material(
        case.X,
        target,
        tuple(decisions),
        hashlib.sha256(csv.encode()).hexdigest(),
        Config(
            run=RunSettings(name=case.name, description=case.description, notice=case.notice, task=case.task),
            candidates=case.candidates,
            columns={name: ColumnSettings(sensitive=True) for name in case.sensitive},
        ),
        case.name,
        None if case.probability is None else case.probability.to_numpy(dtype=np.float64),
        case.X[list(case.sensitive)],
    )


def _decision(case: DemoCase, name: str) -> Decision:
    column = case.X[name]
    gone = int(column.isna().sum())
    missing = f"; missing: {gone} of {len(column)}" if gone else ""
    unit, description = case.units.get(name), case.descriptions.get(name)
    if column.dtype != np.float64:
        reason = f"text with {column.nunique()} levels{missing}"
        return Decision(name, "category", reason, unit=unit, description=description)
    known = column.dropna()
    whole = bool((known == np.floor(known)).all())
    reason = f"{'whole ' if whole else ''}numbers from {known.min():.10g} to {known.max():.10g}{missing}"
    return Decision(name, "integer" if whole else "number", reason, unit=unit, description=description)
