"""The model card, one page of HTML."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from lambda_handler.contract import show

TEMPLATE = Path(__file__).with_name("card.html.jinja")
WAYS = {
    "alone": "alone",
    "of_2": "2 at once",
    "of_7": "7 at once",
    "of_1000": "1,000 at once",
    "two_threads": "two threads",
    "wasm": "wasm",
}


def render_card(
    contract: Mapping[str, Any],
    certificate: Mapping[str, Any],
    scores: Mapping[str, float],
    rows: int,
    size: int,
    held_out: Mapping[str, Any] | None = None,
) -> str:
    """Render card.html.

    Args:
        contract: contract.json.
        certificate: parity.json.
        scores: name -> number on held-out rows; empty where the estimator was fitted elsewhere.
        rows: training rows.
        size: bytes of model.onnx.
        held_out: what a run says of its held-out rows, as `export.held_out.public` gives it; None without.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template(TEMPLATE.name)
    strata = certificate["strata"]
    most = max((stratum["rows"] for stratum in strata), default=1)
    return template.render(
        contract=contract,
        certificate=certificate,
        scores=scores,
        held_out=held_out,
        show=show,
        rows=rows,
        size=size,
        ways=WAYS,
        differ=sum(stratum["labels_differ"] + stratum["outside"] for stratum in strata),
        worst=max((each for each in strata if each["worst_row"]), key=lambda each: each["max_abs"], default=None),
        width=lambda count: round(100 * math.log1p(count) / math.log1p(most), 1),
    )
