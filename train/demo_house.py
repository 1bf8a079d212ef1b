"""Simulated house sales: data whose noise is known.

Nobody lives there: every house, street and price is made up, and every draw comes from the seed. The columns bear the
names that the Ames assessor's table has, so that one project file serves both. The process, house by house:

1. Neighborhood: of eight made-up ones, each with its own level of price and mean year of building.
2. YearBuilt: normal around the neighborhood's year, 1890 to 2009; YearRemodAdd: the same year in 55 %, else later.
3. OverallQual: 1 to 10, around 5 + (YearBuilt - 1965) / 25 with noise; ExterQual follows it.
4. 1stFlrSF, 2ndFlrSF (0 in 55 %), GrLivArea their sum; TotalBsmtSF near 1stFlrSF, 0 without a basement (4 %, where
   BsmtQual is "NA": no such feature); GarageCars 0 to 3, GarageType "NA" without a garage; LotArea log-normal,
   LotFrontage near its root and *missing* in 17 %; MasVnrType "None" (a level) in 60 %.
5. SalePrice = exp(p), rounded to 100, where p is the sum below plus normal noise of `NOISE`:

    11.2 + level of the neighborhood + 0.085 OverallQual + 0.42 log(GrLivArea / 1000) + 0.09 log(LotArea / 10000)
    + 0.00012 TotalBsmtSF + 0.055 GarageCars + 0.05 Fireplaces + 0.0018 (YearBuilt - 1970)
    + 0.0009 (YearRemodAdd - 1970) + 0.06 [ExterQual Ex] - 0.05 [ExterQual Fa] + 0.03 [MasVnrType Stone]
    + 0.04 [OverallQual > 7 and GrLivArea > 2000]
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

NOISE = 0.11  # of the logarithm of the price
NEIGHBORHOODS = {  # level of price, mean year of building, share
    "Alder Row": (-0.18, 1925, 0.14),
    "Birch Hill": (0.02, 1960, 0.16),
    "Cedar Park": (0.20, 1998, 0.15),
    "Elm Court": (-0.06, 1955, 0.17),
    "Hazel Green": (0.08, 1978, 0.14),
    "Maple Heights": (0.34, 2002, 0.08),
    "Old Quay": (-0.28, 1915, 0.06),
    "Willow Bend": (0.00, 1970, 0.10),
}

Floats = npt.NDArray[np.float64]


def simulate_houses(rows: int = 1500, seed: int = 5) -> tuple[pd.DataFrame, pd.Series]:
    """Simulate house sales by the process that this module's docstring documents.

    Args:
        rows: How many.
        seed: The same seed gives the same houses.

    Returns:
        The features (float64 columns and `str` columns, NaN for missing), and the prices in dollars (float64, named
        `SalePrice`).
    """
    draw = np.random.default_rng(seed)
    houses = _houses(draw, rows)
    price = np.round(np.exp(true_logarithm(houses) + draw.normal(0, NOISE, rows)), -2)
    houses["LotFrontage"] = houses["LotFrontage"].mask(draw.random(rows) < 0.17)
    return houses, pd.Series(price, name="SalePrice")


def _houses(draw: np.random.Generator, rows: int) -> pd.DataFrame:
    shares = [share for _, _, share in NEIGHBORHOODS.values()]
    where = draw.choice(np.array(list(NEIGHBORHOODS), dtype=object), rows, p=shares)
    year = np.clip(
        np.round(np.array([NEIGHBORHOODS[name][1] for name in where]) + draw.normal(0, 12, rows)), 1890, 2009
    )
    later = np.round(year + (2010 - year) * draw.random(rows))
    quality = np.clip(np.round(5 + (year - 1965) / 25 + draw.normal(0, 1.1, rows)), 1, 10)
    first = np.round(np.exp(draw.normal(6.95, 0.25, rows) + 0.03 * (quality - 6)))
    second = np.where(draw.random(rows) < 0.55, 0.0, np.round(first * draw.uniform(0.6, 1.0, rows)))
    basement = np.where(draw.random(rows) < 0.04, 0.0, np.round(first * draw.uniform(0.85, 1.05, rows)))
    cars = np.clip(np.round((year - 1930) / 35 + draw.normal(0.3, 0.6, rows)), 0, 3)
    lot = np.round(np.exp(draw.normal(9.15, 0.35, rows)))
    outside = np.select([quality >= 9, quality >= 7, quality <= 3], ["Ex", "Gd", "Fa"], "TA")
    return pd.DataFrame(
        {
            "Neighborhood": _texts(where),
            "LotArea": lot,
            "LotFrontage": np.round(0.7 * np.sqrt(lot) + draw.normal(0, 8, rows)),
            "OverallQual": quality,
            "YearBuilt": year,
            "YearRemodAdd": np.where(draw.random(rows) < 0.55, year, later),
            "ExterQual": _texts(outside),
            "MasVnrType": _texts(draw.choice(["None", "BrkFace", "Stone"], rows, p=[0.6, 0.3, 0.1])),
            "BsmtQual": _texts(np.where(basement == 0, "NA", np.where(quality > 6, "Gd", "TA"))),
            "TotalBsmtSF": basement,
            "1stFlrSF": first,
            "2ndFlrSF": second,
            "GrLivArea": first + second,
            "FullBath": 1.0 + (first + second > 1500),
            "Fireplaces": np.clip(np.round(draw.normal(0.3, 0.6, rows) + (quality > 6)), 0, 3),
            "GarageType": _texts(np.where(cars == 0, "NA", np.where(year > 1960, "Attchd", "Detchd"))),
            "GarageCars": cars,
        }
    )


def _texts(values: Any) -> pd.Series:
    return pd.Series(values, dtype="str")


def true_logarithm(houses: pd.DataFrame) -> Floats:
    """Return the expected logarithm of the price of this module's docstring, float64 of shape (n_rows,)."""
    told = {
        name: houses[name].to_numpy(dtype=np.float64) for name in houses.columns if houses[name].dtype == np.float64
    }
    outside, stone = houses["ExterQual"], houses["MasVnrType"] == "Stone"
    level = houses["Neighborhood"].map({name: each[0] for name, each in NEIGHBORHOODS.items()})
    found = 11.2 + level.to_numpy(dtype=np.float64) + 0.085 * told["OverallQual"]
    found += 0.42 * np.log(told["GrLivArea"] / 1000) + 0.09 * np.log(told["LotArea"] / 10000)
    found += 0.00012 * told["TotalBsmtSF"] + 0.055 * told["GarageCars"] + 0.05 * told["Fireplaces"]
    found += 0.0018 * (told["YearBuilt"] - 1970) + 0.0009 * (told["YearRemodAdd"] - 1970)
    found += 0.06 * (outside == "Ex") - 0.05 * (outside == "Fa") + 0.03 * stone
    found += 0.04 * ((told["OverallQual"] > 7) & (told["GrLivArea"] > 2000))
    return np.asarray(found, dtype=np.float64)
