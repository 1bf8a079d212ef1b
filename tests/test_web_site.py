"""The static site: what it holds, and what it refuses to be built from or over."""

import base64
import gzip
import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest
from bundle_factory import folder_in_site, make_bundle, seal

import deploy.site
from benchmarks.page_bytes import EVALUATOR_BUDGET, PAGE_BUDGET, page_bytes
from benchmarks.page_bytes import main as page_bytes_main
from deploy.site import LIBRARIES, OWN_ENTRIES, SiteError, build_site, read_endpoints
from deploy.site_join import join_modules
from deploy.site_page import PAGE, lean
from lambda_handler.bundle import BundleError


def test_the_site_holds_the_page_its_runtime_and_each_bundle(tmp_path: Path) -> None:
    bundles = [make_bundle(tmp_path / "a", name="loan"), make_bundle(tmp_path / "b", name="cost", task="regression")]
    (bundles[0] / "notes.txt").write_text("private")
    site = build_site(bundles, tmp_path / "out" / "site")
    assert {entry.name for entry in site.iterdir()} == OWN_ENTRIES
    listed = json.loads((site / "bundles.json").read_text())
    assert [(entry["name"], entry["description"], entry["endpoint"]) for entry in listed] == [
        ("loan", "Says whether a loan is paid back.", None),
        ("cost", "Says how much a loan costs.", None),
    ]
    for bundle, entry in zip(bundles, listed, strict=True):
        manifest = json.loads((bundle / "manifest.json").read_text())
        published = {file.name for file in (site / entry["path"]).iterdir()}
        assert published == {*manifest["files"], "manifest.json"}, "what the manifest does not list stays private"
        for name, digest in manifest["files"].items():
            assert hashlib.sha256((site / entry["path"] / name).read_bytes()).hexdigest() == digest
    assert not list(site.rglob("replay-node.mjs"))


HOLDER = re.compile(r"\([Cc]\) (?:\d{4}(?:-\d{4})?,? )?(?:by )?([A-Z]\w+ [A-Z]\w+)")
GRANTS = ("this permission notice shall be included", "Permission to use, copy, modify, and distribute this software")


def test_the_site_holds_the_licence_of_everything_that_others_wrote(tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "a")], tmp_path / "site")
    texts = {file.name: " ".join(file.read_text().split()) for file in site.rglob("LICENSE*.txt")}
    assert set(texts) == {f"LICENSE.{package}.txt" for package, *_ in LIBRARIES} | {"LICENSE.musl.txt"}
    assert all(GRANTS[0] in text for text in texts.values())
    assert GRANTS[1] in texts["LICENSE.musl.txt"]
    assert "Microsoft Corporation" in HOLDER.findall(texts["LICENSE.onnxruntime-web.txt"])
    [notices] = site.rglob("NOTICES.onnxruntime-web.txt")
    assert all(f"\n{name}\n" in notices.read_text() for name in ("google/flatbuffers", "abseil-cpp"))
    named = []
    for file in sorted(PAGE.glob("js/**/*.js")):
        words = " ".join(file.read_text(encoding="utf-8").replace("//", "").split())
        named += [(file.name, holder) for holder in HOLDER.findall(words)]
    assert named == [("exp.js", "Arm Limited"), ("log.js", "Arm Limited"), ("tanh.js", "Sun Microsystems")]
    assert {holder for _, holder in named} <= {*HOLDER.findall(texts["LICENSE.musl.txt"])}


def test_a_site_is_built_again_over_itself(tmp_path: Path) -> None:
    loan, cost = make_bundle(tmp_path / "a", name="loan"), make_bundle(tmp_path / "b", name="cost")
    build_site([loan, cost], tmp_path / "site")
    build_site([cost], tmp_path / "site")
    assert [entry.name for entry in (tmp_path / "site" / "bundles").iterdir()] == ["cost"]
    assert {entry.name for entry in tmp_path.iterdir()} == {"a", "b", "site"}, "no temporary folder stays behind"


def test_a_folder_that_is_no_site_is_left_alone(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "a")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(SiteError, match=r"replaces only an earlier site.*thesis\.txt.*Name another folder"):
        build_site([bundle], tmp_path / "home")
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "file").write_text("")
    with pytest.raises(SiteError, match="is a file"):
        build_site([bundle], tmp_path / "file")


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    assert (build_site([make_bundle(tmp_path / "a")], tmp_path / "site") / "index.html").is_file()


def test_two_bundles_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"different names.*both named 'tiny'"):
        build_site([make_bundle(tmp_path / "a"), make_bundle(tmp_path / "b")], tmp_path / "site")


def test_a_name_that_would_leave_the_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"part of its address.*'\.\./up'"):
        build_site([make_bundle(tmp_path / "a", name="../up")], tmp_path / "site")


def test_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="at least one bundle"):
        build_site([], tmp_path / "site")


def test_a_broken_bundle_is_refused_and_leaves_the_site_before(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "a")
    site = build_site([bundle], tmp_path / "site")
    (bundle / "card.html").write_text("changed")
    with pytest.raises(BundleError, match=r"card\.html must have the SHA-256"):
        build_site([bundle], site)
    assert "changed" not in (folder_in_site(site, "tiny") / "card.html").read_text()


def test_without_the_runtime_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy.site, "MODULES", tmp_path / "nowhere")
    with pytest.raises(SiteError, match=r"needs onnxruntime-web.*Run `make setup`"):
        build_site([make_bundle(tmp_path / "a")], tmp_path / "site")
    assert not (tmp_path / "site").exists()


COMPILE = {
    "compilerOptions": {"allowJs": True, "checkJs": False, "removeComments": True, "outDir": "out", "target": "es2022",
                        "module": "es2022", "noResolve": True, "noLib": True, "noCheck": True, "types": []},
    "include": ["plain/**/*.js", "lean/**/*.js"],
}  # fmt: skip


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def small(no_libraries: None, tmp_path: Path) -> Path:
    """A bundle; the libraries are empty, so that compressing costs nothing."""
    return make_bundle(tmp_path / "tiny")


def test_the_same_input_gives_the_same_bytes(small: Path, tmp_path: Path) -> None:
    one, other = (tree(build_site([small], tmp_path / name, compress=True)) for name in ("one", "other"))
    assert one == other


def test_each_file_has_a_brotli_and_a_gzip_copy(small: Path, tmp_path: Path) -> None:
    files = tree(build_site([small], tmp_path / "site", compress=True))
    plain = {name for name in files if Path(name).suffix not in {".br", ".gz", ".png"}}
    assert {name for name in files if name.endswith(".br")} == {f"{name}.br" for name in plain}
    for name in plain:
        assert gzip.decompress(files[f"{name}.gz"]) == files[name]
    unpack = "process.stdout.write(require('zlib').brotliDecompressSync(require('fs').readFileSync(0)))"
    page = subprocess.run(["node", "-e", unpack], input=files["index.html.br"], capture_output=True, check=True).stdout
    assert page == files["index.html"]
    build_site([small], tmp_path / "site")  # a site with copies is a site, too


def test_the_page_without_runtime_and_model_stays_under_60_kilobytes(small: Path, tmp_path: Path) -> None:
    site = build_site([small], tmp_path / "site", compress=True)
    page, evaluator = page_bytes(site)
    assert sum(page.values()) <= PAGE_BUDGET
    assert 1000 < sum(evaluator.values()) <= EVALUATOR_BUDGET
    assert {Path(name).name for name in page} == {
        "index.html", "bundles.json", "main.js", "main-later.js", "ort-worker.js", "page.css",
    }  # fmt: skip
    assert page_bytes_main(site) == 0
    large = site / (next(name for name in page if name.endswith("main.js")) + ".br")
    large.write_bytes(bytes(PAGE_BUDGET))
    assert page_bytes_main(site) == 1


def test_another_content_lies_elsewhere_and_the_same_content_where_it_was(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "tiny")
    before = tree(build_site([bundle], tmp_path / "before"))
    contract = json.loads((bundle / "contract.json").read_text())
    (bundle / "contract.json").write_text(json.dumps({**contract, "version": "9"}))
    seal(bundle)
    after = tree(build_site([bundle], tmp_path / "after"))
    assert {name for name in before if name.startswith("assets/")} == {
        name for name in after if name.startswith("assets/")
    }
    both = before.keys() & after.keys()
    assert not [name for name in both if name.startswith("bundles/")]
    assert [name for name in sorted(both) if before[name] != after[name]] == ["bundles.json", "index.html", "sw.js"]


def test_everything_that_the_page_names_is_there_with_its_digest(tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "a", name="loan"), make_bundle(tmp_path / "b")], tmp_path / "site")
    page = (site / "index.html").read_text()
    named = dict(re.findall(r'(?:href|src)="([^"]+)" integrity="([^"]+)"', page))
    assert {Path(name).name for name in named} == {"page.css", "main.js", "evaluate.js"}
    [listed] = [json.loads(line[13:-1]) for line in (site / "sw.js").read_text().splitlines() if "const SITE" in line]
    groups = [listed["page"], listed["runtime"], *listed["bundles"].values()]
    for path, digest in [*named.items(), *(item for group in groups for item in group.items())]:
        content = (site / ("index.html" if path == "./" else path)).read_bytes()
        assert digest == f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}", path
    kept = {path for group in groups for path in group}
    left = {name for name in tree(site) if name not in kept and not name.endswith(".txt")}
    assert left == {"index.html", "sw.js"}, "all else works without a network"
    for href in re.findall(r'(?:href|src)="([^"]+)"', page):
        assert (site / href.partition("?")[0]).exists(), href
    assert "vendor/" not in re.sub(
        r"vendor-[0-9a-f]{16}/", "", (site / next(p for p in kept if p.endswith("main.js"))).read_text()
    )


MODULES = {
    "js/low.js": "let calls = 0;\nexport const count = () => ++calls;\nexport function name() {\nreturn 'low';\n}\n",
    "js/sub/mid.js": 'import { count, name as lower } from "../low.js";\nclass Mid {}\n'
    "const name = () => `mid over ${lower()}`;\ncount();\nexport { Mid, name };\n",
    "js/shared.js": 'import { name } from "./low.js";\nexport { count } from "./low.js";\nexport const who = name();\n',
    "js/page.js": 'import { who } from "./shared.js";\nimport * as mid from "./sub/mid.js";\n'
    'const later = async () => (await import("./part.js")).told;\n'
    'later().then((part) => console.log(mid.name(), part, who));\n',
    "js/part.js": 'import { Mid } from "./sub/mid.js";\nimport { count } from "./shared.js";\n'
    'import { suffix } from "./own.js";\nexport const told = `${new Mid() instanceof Mid} ${count()}${suffix}`;\n',
    "js/own.js": 'import { Mid } from "./sub/mid.js";\nexport const suffix = Mid.name;\n',
    "js/unused.js": "throw new Error('not asked for');\n",
}  # fmt: skip


def test_joined_modules_are_the_same_program(tmp_path: Path) -> None:
    joined = join_modules(MODULES, "js/shared.js", ["js/page.js"])
    assert list(joined) == ["js/shared.js", "js/page.js", "js/page-later.js"]
    said = []
    for folder, files in ("plain", MODULES), ("joined", joined):
        for name, text in {**files, "package.json": '{"type": "module"}'}.items():
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_text(text)
        command = ["node", tmp_path / folder / "js" / "page.js"]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert said == ["mid over low true 2Mid low\n"] * 2, "each module is there once"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"js/low.js": 'import { who } from "./shared.js";\n'},
            r"in a ring, got js/own\.js -> .* -> js/low\.js -> js/shared\.js -> js/low\.js",
        ),
        ({"js/low.js": "export default 1;\n"}, r"js/low\.js: .*got export default 1;"),
        ({"js/low.js": "export { a as b };\n"}, "keep their names, got a as b"),
        ({"js/own.js": 'import "./low.js";\n'}, r"js/own\.js: .*got import \"\./low\.js\";"),
    ],
)
def test_a_module_that_cannot_be_joined_is_refused(changed: dict[str, str], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        join_modules(MODULES | changed, "js/own.js", ["js/page.js"])


def test_styles_are_joined_in_the_order_of_the_page(tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "a")], tmp_path / "site")
    [sheet] = site.glob("assets/page-*/css/*.css")
    text, page = sheet.read_text(), (PAGE / "index.html").read_text()
    names = re.findall(r'href="(css/[^"]+)"', page)
    assert len(names) > 5
    places = [text.index(lean(name, (PAGE / name).read_text())) for name in names]
    assert places == sorted(places)
    assert "@media print {\n" + lean("", (PAGE / "css" / "print.css").read_text()) + "}\n" in text


def test_what_only_a_reader_needs_is_left_out() -> None:
    source = (
        '// Why.\n\n/**\n * @param {A} a\n */\nfunction f(a) {\n  // how\n  return "// " + `/* ${a} */`; // kept\n}\n'
    )
    assert lean("a.js", source) == 'function f(a) {\nreturn "// " + `/* ${a} */`; // kept\n}\n'
    with pytest.raises(AssertionError, match=r"a\.js: text in backticks must end on its line, got const a = `one"):
        lean("a.js", "  const a = `one\n  // two`;\n")


def test_lean_modules_are_the_same_program(tmp_path: Path) -> None:
    plain = {path.relative_to(PAGE / "js"): path.read_text() for path in PAGE.glob("js/**/*.js")}
    for name, text in plain.items():
        for folder, content in ("plain", text), ("lean", lean(str(name), text)):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_text(content)
    (tmp_path / "tsconfig.json").write_text(json.dumps(COMPILE))
    subprocess.run(["npx", "tsc", "-p", tmp_path], cwd=PAGE, check=False, capture_output=True)
    printed = [tree(tmp_path / "out" / folder) for folder in ("plain", "lean")]
    assert len(printed[0]) == len(plain)
    assert printed[0] == printed[1]


def test_the_page_names_its_models_before_it_runs(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "one", name="loan-default")
    contract = json.loads((bundle / "contract.json").read_text())
    (bundle / "contract.json").write_text(json.dumps(contract | {"description": 'Is it "paid" <back>?'}))
    seal(bundle)
    alone = (build_site([bundle], tmp_path / "alone") / "index.html").read_text()
    assert "<title>Loan default · selfsame</title>" in alone
    assert 'content="Is it &quot;paid&quot; &lt;back&gt;? It runs in your browser: nothing that you enter' in alone
    assert '<nav id="bundles" aria-label="Models" hidden></nav>' in alone
    others = [make_bundle(tmp_path / name, name=name) for name in ("b", "c_d", "e", "f", "g")]
    page = (build_site([bundle, *others], tmp_path / "site") / "index.html").read_text()
    assert "<title>Loan default, B, C d, E, F, … · selfsame</title>" in page
    assert 'content="Loan default, B, C d, E, F, …: ask a model, and see why it answers so. It runs in' in page
    assert '<a href="?bundle=loan-default">Loan default</a><a href="?bundle=b">B</a>' in page


def test_no_origin_but_the_endpoints_is_allowed(tmp_path: Path) -> None:
    bundles = [make_bundle(tmp_path / name, name=name) for name in ("loan", "cost")]
    url = "https://id.lambda-url.eu-west-1.on.aws"
    page = (build_site(bundles, tmp_path / "one") / "index.html").read_text()
    assert "connect-src 'self';" in page
    site = build_site(bundles, tmp_path / "two", endpoints={"cost": f"{url}/"})
    assert f"connect-src 'self' {url};" in (site / "index.html").read_text()
    assert [entry["endpoint"] for entry in json.loads((site / "bundles.json").read_text())] == [None, url]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (["https://a.example"], "of several bundles has a name"),
        (["loan=https://a.example", "loan=https://b.example"], "loan has two"),
        (["other=https://a.example"], "'other' is none of loan, cost"),
        (["loan=https://a.example; script-src *"], "got 'https://a.example; script-src"),
        (["loan=ftp://a.example"], "Give the Function URL"),
    ],
)
def test_an_endpoint_of_no_bundle_or_that_is_no_address_is_refused(
    tmp_path: Path, written: list[str], said: str
) -> None:
    bundles = [make_bundle(tmp_path / name, name=name) for name in ("loan", "cost")]
    with pytest.raises(SiteError, match=said):
        build_site(bundles, tmp_path / "site", endpoints=read_endpoints(written, bundles))
