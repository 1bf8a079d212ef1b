"""Build what Lambda gets: pinned wheels, the handler's package and the bundle, without the source tree."""

import atexit
import functools
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.bytecode import compile_folder
from deploy.openapi import OPENAPI, openapi_document
from deploy.pythons import RUNTIME_PYTHON, find_python, version_of
from deploy.trim import DISTRIBUTIONS, Engine, check_machines, trim
from deploy.wheels import MACHINES, ROOT, Arch, PackageError, install_wheels
from lambda_handler.bundle import read_bundle

BUILD = "build.json"  # says for what the package was built
FILE_MODE, FOLDER_MODE = 0o644, 0o755
OLDEST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
EFFORT = 7  # zlib's level: 9 takes twice the time for 0.3 % fewer bytes


def build_package(
    bundle: Path,
    out: Path,
    *,
    arch: Arch = "x86_64",
    python: str = RUNTIME_PYTHON,
    engine: Engine = "capi",
    bytecode: bool = True,
) -> Path:
    """Write exactly what Lambda gets into `out`; the same inputs give the same bytes.

    Args:
        bundle: a bundle folder; its digests are checked first.
        out: the package: a folder that is not there yet or empty (as `sam build` makes it), or a new file "….zip".
        arch: the function's architecture.
        python: the runtime's Python version, "3.13". Another one is for running the package on this machine.
        engine: how onnxruntime is called: by its C interface alone, or by its Python binding with numpy.
        bytecode: compile every module, which takes that version of Python; without it, each cold start compiles.

    Returns:
        `out`.

    Raises:
        BundleError: the folder is no bundle, of another format, or a file has changed.
        PackageError: `out` is there, the architecture or the engine is unknown, pip cannot install a pinned wheel, a
            library is for another machine, or that version of Python is not here.
    """
    files = [*read_bundle(bundle).manifest["files"], "manifest.json"]
    _check_known("architecture", arch, MACHINES)
    _check_known("engine", engine, DISTRIBUTIONS)
    compiler = _compiler(python) if bytecode else None
    with _whole_or_nothing(out) as folder:
        installed = _dependencies(arch, python, engine, compiler)
        shutil.copytree(installed, folder, copy_function=_link_or_copy, dirs_exist_ok=True)
        _copy_own(folder, compiler)
        (folder / "bundle").mkdir()
        for name in files:
            shutil.copyfile(bundle / name, folder / "bundle" / name)
        (folder / OPENAPI).write_text(openapi_document(bundle), encoding="utf-8")
        built = {"arch": arch, "engine": engine, "python": python, "bytecode": compiler and version_of(compiler)}
        (folder / BUILD).write_text(json.dumps(built) + "\n", encoding="utf-8")
        check_machines(folder, arch)
        _set_modes(folder)
    return out


def package_bytes(package: Path) -> int:
    """The size of a package's files in bytes, unzipped (Lambda's limit is 250 MB)."""
    if package.is_file():
        with zipfile.ZipFile(package) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    return sum(file.stat().st_size for file in package.rglob("*") if file.is_file())


def write_zip(folder: Path, out: Path) -> None:
    """Write a folder's files as a zip file that holds no time, owner or order of this machine."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, OLDEST)
            entry.create_system, entry.external_attr = 3, (0o100000 | FILE_MODE) << 16  # a Unix file
            archive.writestr(entry, files[name].read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=EFFORT)


def _check_known(what: str, got: str, known: Iterable[str]) -> None:
    if got not in known:
        raise PackageError(f"The {what} is one of {', '.join(known)}", f"got {got!r}", "Name one of these.")


def _compiler(python: str) -> str:
    found = find_python(python)
    if found is None:
        rule, got = f"Bytecode is made by the runtime's own Python, {python}", "none is on PATH or among pyenv's"
        remedy = f"Install it (uv python install {python}), or give --no-bytecode: every cold start then compiles anew."
        raise PackageError(rule, got, remedy)
    return found


@functools.cache
def _dependencies(arch: Arch, python: str, engine: Engine, compiler: str | None) -> Path:
    """The installed, trimmed and compiled wheels, made once per process and removed at its end."""
    holder = Path(tempfile.mkdtemp(prefix="selfsame-package-"))
    atexit.register(shutil.rmtree, holder, ignore_errors=True)
    folder = holder / "site"
    install_wheels(DISTRIBUTIONS[engine], folder, arch=arch, python=python)
    trim(folder, engine)
    if compiler:
        compile_folder(folder, compiler, sources=False)
    _set_modes(folder)
    return folder


def _copy_own(folder: Path, compiler: str | None) -> None:
    """Our own code: its sources stay beside their bytecode, for who opens the function in the console."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        shutil.copytree(ROOT / "lambda_handler", Path(scratch) / "lambda_handler", ignore=_not_modules)
        if compiler:
            compile_folder(Path(scratch), compiler, sources=True)
        shutil.move(Path(scratch) / "lambda_handler", folder)
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")


def _not_modules(_: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py")]


def _set_modes(folder: Path) -> None:
    """Readable by all, whatever the umask is."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


@contextmanager
def _whole_or_nothing(out: Path) -> Iterator[Path]:
    """A folder beside `out` that becomes it, or its zip file, when the block ends well, and goes when it does not."""
    zipped = out.suffix == ".zip"
    if out.exists() and (zipped or not out.is_dir() or any(out.iterdir())):
        rule = f"A package is written to {'a new file' if zipped else 'a new or an empty folder'}"
        got = f"{out} is there{'' if zipped else ' and is not empty'}"
        raise PackageError(rule, got, "Name another one, or remove it first.")
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield folder
        if zipped:
            write_zip(folder, part := folder / ".zip")
            part.replace(out)
            shutil.rmtree(folder)
        else:
            folder.replace(out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
