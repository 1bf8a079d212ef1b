"""The project file: what a person says about a case, in TOML; every table and key may be left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

Kind = Literal["number", "integer", "boolean", "category", "drop", "target"]
Task = Literal["classification", "regression", "ranking"]
Metric = Literal[
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "balanced_accuracy",
    "f1",
    "accuracy",
    "cost",
    "r2",
    "rmse",
    "mae",
    "mrr",
    "map",
    "ndcg",
    "hit",
]
LabelMetric = Literal["balanced_accuracy", "f1", "accuracy", "cost"]
Candidate = Literal["baseline", "linear", "forest", "boosting", "svm", "mlp", "knn", "lightgbm", "xgboost", "stacking"]
Search = Literal["none", "halving", "optuna"]
Calibration = Literal["none", "sigmoid", "isotonic"]
Degree = Literal["shadow", "human only", "assist", "partial", "full"]
CANDIDATE_NAMES: tuple[Candidate, ...] = ("linear", "forest", "boosting")
EVERY_CANDIDATE: tuple[Candidate, ...] = get_args(Candidate)


@dataclass(frozen=True)
class TableSettings:
    """How the file is read; None leaves it to `train`.

    Attributes:
        encoding: Of a CSV file.
        delimiter: Of a CSV file, one character.
        sample: Rows that are drawn (with the seed) when the table has more; None takes all.
        simulated: The simulated table that `selfsame ship` takes where no other is brought; no effect elsewhere.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sample: int | None = None
    simulated: Literal["loan", "house", "tourist"] | None = None


@dataclass(frozen=True)
class RunSettings:
    """What the run is called and how it is judged; None leaves it to `train`.

    Attributes:
        name: Of the run and the model.
        description: What the model answers, in one sentence.
        notice: What everyone who sees the model has to be told.
        target: The column to predict, where the command does not name it.
        task: What kind of answer is learnt.
        positive: The class that the threshold is for; has an effect for two classes only.
        metric: What decides between candidates; one of labels (such as f1 or cost) also chooses the threshold.
    """

    name: str | None = None
    description: str | None = None
    notice: str | None = None
    target: str | None = None
    task: Task | None = None
    positive: bool | int | str | None = None
    metric: Metric | None = None


@dataclass(frozen=True)
class ProblemSettings:
    """Whose problem it is and what counts as solved; the numbers are in the metric that decides.

    Attributes:
        owner: Who answers for the model.
        decision: What is decided with the answer.
        baseline: What has to be beaten.
        stop_below: Below this on the test rows the project stops: `train` ends with exit code 1.
        plausible: Beyond this on the test rows a leak is suspected, and said.
    """

    owner: str | None = None
    decision: str | None = None
    baseline: float | None = None
    stop_below: float | None = None
    plausible: float | None = None


@dataclass(frozen=True)
class CostSettings:
    """What a wrong answer of each kind costs, in any one unit, from 0 on.

    The first two are for two classes, per row; the last two for numbers, per unit of the target.
    """

    false_positive: float | None = None
    false_negative: float | None = None
    overestimate: float | None = None
    underestimate: float | None = None


@dataclass(frozen=True)
class BudgetSettings:
    """What the model and its search may take: one answer, the ONNX file, the training (such as "90s", "10m", "2h")."""

    latency_ms: float | None = None
    file_mb: float | None = None
    time: str | None = None


@dataclass(frozen=True)
class SplitSettings:
    """How rows are set apart.

    Attributes:
        time: A column; the last rows by it are the test rows, and no fold learns from later rows than it is scored on.
        group: A column; rows with the same value never stand on both sides.
        test: Share of the rows that are held out.
        folds: Of the cross-validation.
        repeats: How often the folds are drawn anew.
    """

    time: str | None = None
    group: str | None = None
    test: float = 0.2
    folds: int = 5
    repeats: int = 1


@dataclass(frozen=True)
class CandidateSettings:
    """Which models are compared, how large they are, and how one is chosen.

    Attributes:
        names: The models that are fitted.
        trees: Trees of the forest.
        rounds: Boosting rounds.
        max_features: Share of the columns that each split of `boosting` draws anew to choose from; None takes all.
        stack: The models under `stacking`.
        min_frequency: Rows below which a category's level is pooled with the other rare ones (one-hot encoding).
        search: How their parameters are searched.
        trials: Settings of parameters that a search tries per candidate.
        calibration: How probabilities are calibrated; classification only.
        prefer: The simplest candidate within one standard error of the best, or the best.
        log_target: Learn the logarithm of the target; None decides by its skew; regression of positive numbers only.
    """

    names: tuple[Candidate, ...] = CANDIDATE_NAMES
    trees: int = 200
    rounds: int = 200
    max_features: float | None = None
    stack: tuple[Candidate, ...] = CANDIDATE_NAMES
    min_frequency: int = 10
    search: Search = "none"
    trials: int = 24
    calibration: Calibration = "none"
    prefer: Literal["simplest", "best"] = "simplest"
    log_target: bool | None = None


@dataclass(frozen=True)
class PrepareSettings:
    """Cleaning and features, declared once and kept inside the pipeline.

    Attributes:
        clip: Share of the rows at either end of each number whose values are clipped to the quantile there.
        rare: Rows below which a level is pooled with the other rare ones, for every candidate.
        ratios: Quotients of two number columns, such as "amount / income".
        logs: Number columns that also come as log(1 + |x|) with the sign of x.
        dates: Columns of dates that are split into year, month, day, weekday and days since 1970.
        select: Columns that are kept after encoding, by their F statistic; boosting chooses by itself.
    """

    clip: float | None = None
    rare: int | None = None
    ratios: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    select: int | None = None


@dataclass(frozen=True)
class AutomationSettings:
    """How far the model acts by itself, and between which two probabilities or scores a person decides."""

    degree: Degree | None = None
    abstain: tuple[float, float] | None = None


@dataclass(frozen=True)
class RankingSettings:
    """Where a table of visits holds what; has an effect for the task ranking only.

    Attributes:
        user: The column that says who.
        item: The column of what was visited.
        time: The column that orders the visits.
        trajectory: The column that tells one series of visits from another.
        places: A CSV file of the items: name, category, latitude, longitude; relative to the project file.
        history: Latest visits that an answer may depend on; None takes the longest in the training rows, capped.
        top: Items that an answer holds at most, the best ones; None: all. Scores are of all items either way.
    """

    user: str | None = None
    item: str | None = None
    time: str | None = None
    trajectory: str | None = None
    places: str | None = None
    history: int | None = None
    top: int | None = None


@dataclass(frozen=True)
class ColumnSettings:
    """What a person says about one column; None leaves it to `train`.

    Attributes:
        kind: What it is.
        missing: The texts that stand for a missing value.
        unit: Of a number.
        description: What it means.
        sensitive: Whether the model is compared across its values for fairness.
        loggable: Whether its values may stand in capture records.
        levels: Levels above which a category is dropped, in place of the usual limit.
    """

    kind: Kind | None = None
    missing: tuple[str, ...] | None = None
    unit: str | None = None
    description: str | None = None
    sensitive: bool = False
    loggable: bool = False
    levels: int | None = None


@dataclass(frozen=True)
class Config:
    """All that the project file may say."""

    table: TableSettings = field(default_factory=TableSettings)
    run: RunSettings = field(default_factory=RunSettings)
    problem: ProblemSettings = field(default_factory=ProblemSettings)
    costs: CostSettings = field(default_factory=CostSettings)
    budgets: BudgetSettings = field(default_factory=BudgetSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    candidates: CandidateSettings = field(default_factory=CandidateSettings)
    prepare: PrepareSettings = field(default_factory=PrepareSettings)
    automation: AutomationSettings = field(default_factory=AutomationSettings)
    ranking: RankingSettings = field(default_factory=RankingSettings)
    columns: Mapping[str, ColumnSettings] = field(default_factory=dict)


def read_config(path: Path | None) -> Config:
    """Read the project file at `path`; None gives the defaults.

    Raises:
        TrainError: The file is missing, is not TOML, or holds a key or value that `train` does not know.
    """
    from train.config_check import config_of, read_toml

    return Config() if path is None else config_of(read_toml(path))
