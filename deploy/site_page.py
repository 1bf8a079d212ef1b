"""The page's own files -> folders named by what they hold, the index that loads them, and the service worker's list."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from deploy.site_join import join_modules

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "web_demo"
ROOT_FILES = ("manifest.webmanifest", "icon.svg", "icon-192.png", "icon-512.png")
PRELOAD_BYTES = 100_000  # of the first bundle's files that the first answer waits for; more is not asked for in advance
FIRST_READ = ("manifest.json", "contract.json", "reference.json", "model.onnx")
VENDOR_IMPORT = '"../vendor/'  # how a module of the page names a library
EVALUATOR = "js/evaluate.js"
MODULES = ("js/main.js", "js/ort-worker.js", "js/score-worker.js")  # what the page and its workers load
STYLE = "css/page.css"
STYLE_LINK = re.compile(r'^ *<link rel="stylesheet" href="([^"]+)"(?: media="(\w+)")? />\n', re.MULTILINE)
COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:[^*]|\*(?!/))*\*/[ \t]*)\n", re.MULTILINE)  # one that has its lines alone
HASH_DIGITS = 16
MOST_NAMES = 5  # in the page's title
DESCRIPTION = "A model that answers in your browser: nothing that you enter leaves it."  # in index.html
RUNS_HERE = "It runs in your browser: nothing that you enter leaves it."

Files = Mapping[str, bytes]  # by path, `/` between folders


def integrity(content: bytes) -> str:
    """The digest as subresource integrity writes it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"


def in_folder(kind: str, files: Files) -> dict[str, bytes]:
    """The files under `assets/KIND-HASH/`, the hash being that of their names and contents."""
    listed = "".join(f"{name} {integrity(files[name])}\n" for name in sorted(files))
    folder = f"assets/{kind}-{hashlib.sha256(listed.encode()).hexdigest()[:HASH_DIGITS]}"
    return {f"{folder}/{name}": files[name] for name in sorted(files)}


def page_files(vendor_folder: str) -> dict[str, bytes]:
    """Styles and modules, joined, without the lines that only a reader needs.

    Args:
        vendor_folder: where they now find what they import from `../vendor/`; its name, beside their own folder.
    """
    modules: dict[str, str] = {}
    for path in sorted(PAGE.glob("js/**/*.js")):
        name = path.relative_to(PAGE).as_posix()
        up = "../" * (name.count("/") + 1)
        modules[name] = lean(name, path.read_text(encoding="utf-8").replace(VENDOR_IMPORT, f'"{up}{vendor_folder}/'))
    files = {STYLE: _joined_styles(), **join_modules(modules, EVALUATOR, MODULES)}
    return {name: text.encode() for name, text in files.items()}


def _joined_styles() -> str:
    """The style sheets that index.html names, in its order; those of one medium within a rule."""
    found = []
    for name, medium in STYLE_LINK.findall((PAGE / "index.html").read_text(encoding="utf-8")):
        text = lean(name, (PAGE / name).read_text(encoding="utf-8"))
        found.append(f"@media {medium} {{\n{text}}}\n" if medium else text)
    return "".join(found)


def lean(name: str, text: str) -> str:
    """A module or a style sheet without comments that have their lines alone, without indentation and empty lines.

    Raises:
        AssertionError: text in backticks goes over several lines, so that a line may be its content.
    """
    text = COMMENT.sub("", text)
    for line in text.splitlines():
        if line.count("`") % 2:
            raise AssertionError(f"{name}: text in backticks must end on its line, got {line.strip()}")
    return re.sub(r"\n+", "\n", re.sub(r"^[ \t]+", "", text, flags=re.MULTILINE)).lstrip("\n")


def index_html(
    assets: Files, origins: Sequence[str], first: Mapping[str, int], bundles: Mapping[str, str | None]
) -> bytes:
    """The page itself: addresses in the hashed folders, each with its digest, and what it loads first named at once.

    Args:
        assets: the page's files and the libraries', by path in the site.
        origins: other origins that the page may ask.
        first: files of the first bundle that the first answer waits for, by path in the site, with their sizes.
        bundles: descriptions by name.
    """
    by_name = {path.split("/", 2)[2]: path for path in assets}
    html = name_bundles((PAGE / "index.html").read_text(encoding="utf-8"), bundles)

    def place(match: re.Match[str]) -> str:
        path = by_name[match[2]]
        return f'{match[1]}="{path}" integrity="{integrity(assets[path])}"'

    html = STYLE_LINK.sub(lambda link: link[0] if link[1] == STYLE else "", html)
    html = re.sub(r'\b(href|src)="((?:css|js)/[^"]+)"', place, html)
    path = by_name[EVALUATOR]
    lines = [f'<link rel="modulepreload" href="{path}" integrity="{integrity(assets[path])}" />']
    early = ["bundles.json", *(first if sum(first.values()) <= PRELOAD_BYTES else ())]
    lines += [f'<link rel="preload" href="{path}" as="fetch" crossorigin="anonymous" />' for path in early]
    html = html.replace("</head>", "".join(f"  {line}\n  " for line in lines) + "</head>", 1)
    sources = " ".join(["connect-src 'self'", *origins])
    return html.replace("connect-src 'self'", sources, 1).encode()


def name_bundles(html: str, bundles: Mapping[str, str | None]) -> str:
    """The page with its models in title, description and navigation, for those who read it without running it.

    What the page writes there itself later is of the same height, so that nothing moves.
    """
    titles = {name: escape(title(name)) for name in bundles}
    names = ", ".join(list(titles.values())[:MOST_NAMES]) + (", …" if len(titles) > MOST_NAMES else "")
    only = next(iter(bundles.values())) if len(bundles) == 1 else None
    told = escape(only) if only else f"{names}: ask a model, and see why it answers so."
    html = html.replace("<title>selfsame</title>", f"<title>{names} · selfsame</title>", 1)
    html = html.replace(DESCRIPTION, f"{told} {RUNS_HERE}", 1)
    if len(bundles) < 2:
        return html
    links = "".join(f'<a href="?bundle={name}">{written}</a>' for name, written in titles.items())
    return re.sub(r"(<nav [^>]*?) hidden></nav>", lambda nav: f"{nav[1]}>{links}</nav>", html, count=1)


def title(name: str) -> str:
    """A bundle's name as the page writes it (web_demo/js/words.js): `loan-default` is `Loan default`."""
    words = re.sub(r"[-_]+", " ", name).strip()
    return words[:1].upper() + words[1:]


def service_worker(page: Files, runtime: Files, bundles: Mapping[str, Mapping[str, str]]) -> bytes:
    """The service worker with its list: every file that it may keep, with its digest.

    Args:
        page: kept at once.
        runtime: kept with the first bundle.
        bundles: by name, path -> digest; kept when their page was opened.
    """
    listed = {
        "page": {path: integrity(page[path]) for path in sorted(page)},
        "runtime": {path: integrity(runtime[path]) for path in sorted(runtime)},
        "bundles": bundles,
    }
    version = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()[:HASH_DIGITS]
    source = (PAGE / "sw.js").read_text(encoding="utf-8")
    line = f"const SITE = {json.dumps({'version': version, **listed}, separators=(',', ':'))};"
    written, count = re.subn(r"^const SITE = .*$", lambda _: line, source, count=1, flags=re.MULTILINE)
    if count != 1:
        raise AssertionError("web_demo/sw.js has one line `const SITE = …;`")
    return written.encode()
