"""The model card, one page of HTML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from lambda_handler.contract import show

TEMPLATE = Path(__file__).with_name("card.html.jinja")


def render_card(
    contract: Mapping[str, Any], certificate: Mapping[str, Any], scores: Mapping[str, float], rows: int, size: int
) -> str:
    """Render card.html.

    Args:
        contract: contract.json.
        certificate: parity.json.
        scores: name -> number on held-out rows; empty where the estimator was fitted elsewhere.
        rows: training rows.
        size: bytes of model.onnx.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(contract=contract, certificate=certificate, scores=scores, show=show, rows=rows, size=size)
