"""Simulated loan applicants: data whose true probabilities are known.

No real person stands in it. Every draw comes from the seed. The process, applicant by applicant:

1. age: 20 + gamma(2.2, 6.5) years, at most 84, whole.
2. years employed: uniform share of the years since 18, squared towards few; whole. It is *missing* where the applicant
   did not state it, more often (3 % to 28 %) the lower the income.
3. income: log-normal around 38,000 EUR a year, 1.2 % more per year employed; rounded to 100; 0.3 % leave it out.
4. amount: log-normal around 22 % of the income, 500 to 40,000 EUR, rounded to 50.
5. ownership: MORTGAGE likelier with age and income, else RENT, OWN; OTHER in 0.4 %.
6. purpose: of nine; the rarest, `wedding` and `renewable_energy`, in about 1 and 2 of 1,000.
7. grade: A to G, the lender's reading of a hidden score of amount over income, age and chance.
8. interest: 5.4 % plus 2.35 points per grade plus normal noise of 0.9; missing in 9 %, at random.
9. default: drawn with the probability p below, which uses nothing but what the table shows (missing years is one of
   its terms, the true years behind it are not). So no model can have a better expected ROC AUC than p itself.

    logit p = -3.05 + 0.36 grade (A = 0) + 0.62 log(amount / (0.22 income)) + 0.95 [years missing]
              - 0.045 min(years, 15) + 0.55 [purpose small_business] + 0.35 [purpose medical]
              - 0.30 [purpose car] + 1.1 [purpose wedding] + 0.25 [ownership RENT] - 0.15 [ownership MORTGAGE]
              + 0.0009 (age - 42)^2 + 0.7 [amount > 20,000 and ownership RENT] + 0.2 [income missing]

where income is missing, the term with log is left out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]

GRADES = np.array(list("ABCDEFG"), dtype=object)
PURPOSES = {
    "debt_consolidation": 0.440,
    "credit_card": 0.190,
    "home_improvement": 0.120,
    "car": 0.080,
    "small_business": 0.070,
    "medical": 0.057,
    "moving": 0.040,
    "renewable_energy": 0.002,
    "wedding": 0.001,
}
PURPOSE_TERMS = {"small_business": 0.55, "medical": 0.35, "car": -0.30, "wedding": 1.1}
OWNERSHIP_TERMS = {"RENT": 0.25, "MORTGAGE": -0.15}


def simulate_applicants(rows: int = 8000, seed: int = 7) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Simulate loan applicants by the process that this module's docstring documents.

    Args:
        rows: How many.
        seed: The same seed gives the same applicants.

    Returns:
        The features (float64 columns, and `str` columns for grade, ownership, purpose; NaN for missing), whether the
        loan defaulted (int64, 0 or 1, named `default`), and the true probability of it (float64).
    """
    draw = np.random.default_rng(seed)
    age = np.floor(np.minimum(20 + draw.gamma(2.2, 6.5, rows), 84))
    years = np.floor(draw.random(rows) ** 2 * (age - 17))
    income = np.round(38000 * np.exp(draw.normal(0, 0.45, rows) + 0.012 * years), -2)
    amount = np.round(np.clip(income * 0.22 * np.exp(draw.normal(0, 0.6, rows)), 500, 40000) / 50) * 50
    ownership = _ownership(draw, age, income)
    purpose = draw.choice(np.array(list(PURPOSES), dtype=object), rows, p=list(PURPOSES.values()))
    score = np.log(amount / (0.22 * income)) * 0.5 - 0.02 * (age - 35) + draw.normal(0, 1, rows)
    grade = np.clip(np.floor(1.3 + 1.25 * score), 0, 6)
    interest = np.round(np.maximum(5.4 + 2.35 * grade + draw.normal(0, 0.9, rows), 4.9), 2)
    interest[draw.random(rows) < 0.09] = np.nan
    years[draw.random(rows) < np.clip(0.28 - 0.17 * np.log(income / 20000), 0.03, 0.28)] = np.nan
    income[draw.random(rows) < 0.003] = np.nan
    features = pd.DataFrame(
        {
            "amount": amount,
            "interest": interest,
            "grade": pd.Series(GRADES[grade.astype(np.int64)], dtype="str"),
            "years": years,
            "ownership": pd.Series(ownership, dtype="str"),
            "income": income,
            "age": age,
            "purpose": pd.Series(purpose, dtype="str"),
        }
    )
    probability = true_probability(features)
    default = pd.Series((draw.random(rows) < probability).astype(np.int64), name="default")
    return features, default, pd.Series(probability, name="probability")


def _ownership(draw: np.random.Generator, age: Numbers, income: Numbers) -> Texts:
    mortgage = 1 / (1 + np.exp(-(0.05 * (age - 38) + 0.9 * np.log(income / 40000))))
    chosen = np.where(
        draw.random(len(age)) < mortgage, "MORTGAGE", np.where(draw.random(len(age)) < 0.82, "RENT", "OWN")
    ).astype(object)
    chosen[draw.random(len(age)) < 0.004] = "OTHER"
    return chosen


def true_probability(features: pd.DataFrame) -> Numbers:
    """Return p of this module's docstring for applicants as the table shows them, float64 of shape (n_rows,)."""
    table = {name: features[name].to_numpy(dtype=np.float64) for name in ("amount", "years", "income", "age")}
    ownership, purpose = features["ownership"].to_numpy(dtype=object), features["purpose"].to_numpy(dtype=object)
    no_years, no_income = np.isnan(table["years"]), np.isnan(table["income"])
    income = np.where(no_income, 1.0, table["income"])
    logit = -3.05 + 0.36 * features["grade"].map(GRADES.tolist().index).to_numpy(dtype=np.float64)
    logit += 0.0009 * (table["age"] - 42) ** 2
    logit += np.where(no_income, 0.2, 0.62 * np.log(table["amount"] / (0.22 * income)))
    logit += np.where(no_years, 0.95, -0.045 * np.minimum(np.where(no_years, 0.0, table["years"]), 15))
    for level, term in PURPOSE_TERMS.items():
        logit += term * (purpose == level)
    for level, term in OWNERSHIP_TERMS.items():
        logit += term * (ownership == level)
    logit += 0.7 * ((table["amount"] > 20000) & (ownership == "RENT"))
    return np.asarray(1 / (1 + np.exp(-logit)), dtype=np.float64)
