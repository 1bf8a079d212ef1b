"""The page's main path in Firefox: `make firefox`, which no other run holds. Without a Firefox it says so."""

import asyncio
import csv
from pathlib import Path

import firefox
import pytest
from bundle_factory import EXAMPLE, answer_of, make_bundle

from deploy.score import score
from deploy.site import build_site
from deploy.static import serve_folder

pytestmark = pytest.mark.slow
TAB = "\ue004"
LINES = "50000,40,B,own,true\n,61,Z,rent,false\n1,forty,A,own,true\n"  # the last has no answer


@pytest.fixture
def program() -> str:
    found = firefox.installed()
    if found is None:
        pytest.skip("no Firefox is installed; ./.ci/firefox fetches one")
    return found


def probability(income: float) -> float:
    return float(answer_of({**EXAMPLE, "income": income}, "classification")["probabilities"]["1"])


async def expect_answer(tab: firefox.Tab, income: float) -> None:
    await tab.until(".decision", "data-label", str(int(probability(income) >= 0.4)))
    exact = float(await tab.value("document.querySelector('.headline').dataset.exact"))
    assert exact == pytest.approx(probability(income), abs=1e-15)


async def expect_proof(tab: firefox.Tab) -> None:
    await tab.value("document.querySelector('#self-check').click()")
    await tab.until("#self-check-result", "data-state", "holds")
    assert "16 of 16 rows agree with the original." in await tab.text("#self-check-result")


async def walk(program: str, site: Path, source: Path, scored: Path) -> None:
    async with firefox.open_firefox(program) as tab:
        with serve_folder(site) as origin:
            await tab.goto(origin)
            await tab.until("#answer", "data-state", "answered")
            await expect_answer(tab, 50000.0)
            await tab.until("#engine", "data-state", "confirmed")  # evaluator and onnxruntime-web: the same bits
            await tab.value("document.querySelector('#field-0').select()")
            await tab.press("#field-0", *"4000", TAB)
            await expect_answer(tab, 4000.0)
            await expect_proof(tab)
            await tab.choose("#file", source)
            await tab.until("#file-state", "data-state", "done")
            await tab.value("document.querySelector('#file-download').click()")
            found = tab.downloads / "rows-scored.csv"
            for _ in range(100):
                if found.exists() and found.stat().st_size == scored.stat().st_size:
                    break
                await asyncio.sleep(0.1)
            assert rows(found) == rows(scored)
            await tab.until("#offline", "data-state", "kept")
        await tab.reload()  # the server is gone
        await tab.until("#answer", "data-state", "answered")
        await tab.until("#engine", "data-state", "confirmed")
        await expect_answer(tab, 50000.0)
        await expect_proof(tab)
        assert tab.faults == []


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_main_path_with_the_network_and_without(program: str, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "tiny")
    source = tmp_path / "rows.csv"
    source.write_text("income,age,grade,home,married\n" + LINES * 40)
    assert score(bundle, source, tmp_path / "scored.csv") == 80
    asyncio.run(walk(program, build_site([bundle], tmp_path / "site"), source, tmp_path / "scored.csv"))


async def spoil(program: str, site: Path) -> list[str]:
    async with firefox.open_firefox(program) as tab:
        with serve_folder(site) as origin:
            await tab.goto(origin)
            with pytest.raises(AssertionError, match="got None"):
                await tab.until("#answer", "data-state", "answered", seconds=2.0)
            return tab.faults


def test_an_altered_module_does_not_run_and_is_seen(program: str, tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "tiny")], tmp_path / "site")
    module = next(site.rglob("main.js"))
    module.write_text(module.read_text() + "globalThis.ran = true;\n")
    faults = asyncio.run(spoil(program, site))
    assert [fault for fault in faults if "integrity" in fault]
