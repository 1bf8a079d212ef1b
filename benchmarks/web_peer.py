"""m2cgen's JavaScript beside the page: a forest of the diabetes table, since m2cgen takes no boosted model.

m2cgen (MIT) is not among the pins; `make web-bench` installs it beside the environment.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser
from sklearn.ensemble import RandomForestRegressor

from benchmarks.web_bare import Visitor
from benchmarks.web_browser import ANSWERED, Line, opened
from deploy.compress import compress_folder
from export import export_bundle
from train.demo import diabetes_case

TREES, LEAF = 100, 5
PAGE = '<!doctype html><meta charset="utf-8"><p id="answer"></p><script type="module" src="assets/main.js"></script>\n'
MAIN = """import {{ score }} from "./model.js";
const answer = document.querySelector("#answer");
answer.textContent = score({example});
answer.dataset.state = "answered";
globalThis.score = score;
"""


@dataclass(frozen=True)
class Peer:
    """Two folders that answer with the same forest.

    Attributes:
        bundle: as `selfsame export` writes it.
        site: m2cgen's JavaScript and a page that shows one answer and nothing else.
        rows: of the golden rows, the inputs that m2cgen takes: all numbers there.
        answers: the original's.
    """

    bundle: Path
    site: Path
    rows: list[list[float]]
    answers: list[float]


def make_peer(folder: Path) -> Peer | None:
    """Fit the forest and write it both ways; None where m2cgen is not installed."""
    try:
        from m2cgen import export_to_javascript  # type: ignore[import-not-found, unused-ignore] # beside the environment
    except ImportError:
        return None
    case = diabetes_case()
    forest = RandomForestRegressor(TREES, min_samples_leaf=LEAF, random_state=0).fit(case.X, case.y)
    bundle = export_bundle(forest, case.X, folder / "forest")
    sys.setrecursionlimit(10_000)  # m2cgen calls itself for every level of a tree
    names = list(case.X)
    golden = [json.loads(line) for line in (bundle / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    known = [
        line
        for line in golden
        if "value" in line.get("answer", {}) and all(line["row"][name] is not None for name in names)
    ]
    assets = folder / "m2cgen" / "assets"
    assets.mkdir(parents=True)
    (assets / "model.js").write_text(f"{export_to_javascript(forest)}\nexport {{ score }};\n", encoding="utf-8")
    (assets / "main.js").write_text(MAIN.format(example=json.dumps(case.X.iloc[0].tolist())), encoding="utf-8")
    (assets.parent / "index.html").write_text(PAGE, encoding="utf-8")
    compress_folder(assets.parent)
    rows = [[float(line["row"][name]) for name in names] for line in known]
    return Peer(bundle, assets.parent, rows, [line["answer"]["value"] for line in known])


def answered(browser: Browser, address: str, line: Line) -> float:
    """Milliseconds to the first answer of a first visit."""
    return Visitor(browser).visit(address, (ANSWERED,), cpu=line.cpu, service_worker=False)["answered"]


def differing(browser: Browser, address: str, peer: Peer) -> int:
    """How many of the golden rows m2cgen's JavaScript answers otherwise than the original, in the first nine digits."""
    with browser.new_context() as context, opened(context, address, Line(""), until=(ANSWERED,)) as page:
        found: list[float] = page.evaluate("rows => rows.map(row => score(row))", peer.rows)
    return sum(abs(one - other) > 1e-9 * abs(other) for one, other in zip(found, peer.answers, strict=True))
