"""The page's modules -> a few files: fewer requests and bytes, and still the modules' own text, one after another.

Each module becomes a function that gives what it exports, so that no name meets another module's:

    const $scale = (() => {
    const { quantile } = $distribution;
    …
    return { makeScale };
    })();
"""

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

IMPORT = re.compile(r'^import (?:(\{[^}]*\})|\* as (\w+)) from "(\.[^"]+)";\n', re.MULTILINE)
EXPORT_FROM = re.compile(r'^export \{([^}]*)\} from "(\.[^"]+)";\n', re.MULTILINE)
EXPORT_NAMES = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const)\*? (\w+))", re.MULTILINE)
UNKNOWN = re.compile(r"^(?:import|export)\b(?!\().*", re.MULTILINE)
DYNAMIC = re.compile(r'(?<==> |it |rn )import\("(\.[^"]+)"\)')  # after `=>`, `await`, `return`: no type in a comment

Modules = Mapping[str, str]  # by path, lean


def join_modules(modules: Modules, shared: str, entries: Iterable[str]) -> dict[str, str]:
    """Join modules into a file per entry, and one more for all that an entry imports while it runs.

    Args:
        modules: in prettier's form, naming each other relatively.
        shared: a module whose file, with all that it imports, the entries share.
        entries: modules, each of another page or worker.

    Returns:
        The files by path. What entry `js/a.js` imports while it runs stands in `js/a-later.js`.

    Raises:
        AssertionError: modules import each other in a ring, or something is imported or exported in another form.
    """
    common = dict.fromkeys(in_order(modules, [shared]), shared)
    files = {shared: _write(modules, shared, common)}
    for entry in entries:
        first, roots = in_order(modules, [entry]), [entry]
        while asked := [path for path in _imported_later(modules, in_order(modules, roots)) if path not in roots]:
            roots += dict.fromkeys(asked)
        later = f"{entry.removesuffix('.js')}-later.js"
        place = dict.fromkeys(in_order(modules, roots), later) | dict.fromkeys(first, entry) | common
        files |= {file: _write(modules, file, place) for file in dict.fromkeys(place.values()) if file != shared}
    return files


def in_order(modules: Modules, roots: Iterable[str]) -> list[str]:
    """The roots and all that they import statically, each once and after what it imports, as they run.

    Raises:
        AssertionError: modules import each other in a ring.
    """
    done: list[str] = []

    def visit(path: str, above: tuple[str, ...]) -> None:
        if path in above:
            raise AssertionError(f"modules must not import each other in a ring, got {' -> '.join((*above, path))}")
        if path not in done:
            for target in _imported(modules, path):
                visit(target, (*above, path))
            done.append(path)

    for root in roots:
        visit(root, ())
    return done


def _imported(modules: Modules, path: str) -> list[str]:
    found = [*IMPORT.finditer(modules[path]), *EXPORT_FROM.finditer(modules[path])]
    return [_resolve(path, match.groups()[-1]) for match in sorted(found, key=lambda match: match.start())]


def _imported_later(modules: Modules, paths: Iterable[str]) -> list[str]:
    return [_resolve(path, target) for path in paths for target in DYNAMIC.findall(modules[path])]


def _resolve(path: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _name(path: str) -> str:
    """What a module is called in a file: `js/operators/index.js` is `$operators_index`."""
    return "$" + re.sub(r"\W", "_", path.removeprefix("js/").removesuffix(".js"))


def _write(modules: Modules, file: str, place: Mapping[str, str]) -> str:
    """One file: what it takes from others, its modules, and all of them for others to take."""
    parts = [path for path in place if place[path] == file]
    taken: dict[str, list[str]] = {}
    for target in dict.fromkeys(target for path in parts for target in _imported(modules, path)):
        if place[target] != file:
            taken.setdefault(place[target], []).append(_name(target))
    lines = [f'import {{ {", ".join(names)} }} from "{_beside(file, other)}";\n' for other, names in taken.items()]
    lines += [f"const {_name(path)} = (() => {{\n{_body(modules, path, file, place)}}})();\n" for path in parts]
    return "".join(lines) + f"export {{ {', '.join(map(_name, parts))} }};\n"


def _beside(file: str, other: str) -> str:
    return f"./{posixpath.relpath(other, posixpath.dirname(file))}"


def _body(modules: Modules, path: str, file: str, place: Mapping[str, str]) -> str:
    """A module as the body of a function that gives its exports."""
    exported: list[str] = []

    def take(match: re.Match[str]) -> str:
        names, whole, target = match.groups()
        return f"const {whole or names.replace(' as ', ': ')} = {_name(_resolve(path, target))};\n"

    def pass_on(match: re.Match[str]) -> str:
        exported.extend(_listed(match[1]))
        return f"const {{{match[1]}}} = {_name(_resolve(path, match[2]))};\n"

    def name(match: re.Match[str]) -> str:
        exported.extend(_listed(match[1]))
        return ""

    def ask(match: re.Match[str]) -> str:
        target = _resolve(path, match[1])
        return f'import("{_beside(file, place[target])}").then((file) => file.{_name(target)})'

    text = EXPORT_FROM.sub(pass_on, IMPORT.sub(take, modules[path]))
    text = DYNAMIC.sub(ask, EXPORT.sub(name, EXPORT_NAMES.sub(name, text)))
    if other := UNKNOWN.search(text):
        raise AssertionError(f"{path}: imports and exports are lists of names or declarations, got {other[0]}")
    return f"{text}return {{ {', '.join(exported)} }};\n"


def _listed(names: str) -> Sequence[str]:
    found = [name.strip() for name in names.split(",") if name.strip()]
    if any(" as " in name for name in found):
        raise AssertionError(f"exports keep their names, got {names.strip()}")
    return found
