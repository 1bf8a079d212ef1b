"""Compile a folder's modules for one Python: `compile_folder` starts that Python with this very file.

The bytecode is of the unchecked-hash kind: loading it compares it with no source, and it holds no time of day.
"""

import ast
import importlib.util
import marshal
import struct
import subprocess
import sys
from pathlib import Path

UNCHECKED_HASH = struct.pack("<I", 0b01)  # PEP 552: named by the source's hash, which nobody checks
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def compile_folder(folder: Path, python: str, *, sources: bool) -> None:
    """Give each module below a folder its bytecode, without docstrings; asserts stay.

    Args:
        folder: what is put on `sys.path`; tracebacks name files relative to it.
        python: the interpreter that the bytecode is for.
        sources: keep them, with the bytecode in `__pycache__`; otherwise the bytecode takes their place.
    """
    words = ["-P", "-s", "-S", "-B", "-W", "ignore", __file__, str(folder), "sources" if sources else "bytecode"]
    # A fixed seed gives sets, and with them the bytecode, one order.
    subprocess.run([python, *words], env={"PYTHONHASHSEED": "0"}, check=True)  # noqa: S603 - our file, fixed words


def _compile(folder: Path, *, sources: bool) -> None:
    for source in sorted(folder.rglob("*.py")):
        content, name = source.read_bytes(), str(source.relative_to(folder))
        code = compile(_without_docstrings(ast.parse(content, name)), name, "exec", dont_inherit=True)
        target = source.with_suffix(".pyc")
        if sources:
            target = Path(importlib.util.cache_from_source(str(source)))
            target.parent.mkdir(exist_ok=True)
        head = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + importlib.util.source_hash(content)
        target.write_bytes(head + marshal.dumps(code))
        if not sources:
            source.unlink()


def _without_docstrings(tree: ast.Module) -> ast.Module:
    tree.body = [node for node in tree.body if not _documents(node)]
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            alone = len(node.body) == 1 and not isinstance(node, ast.Module)
            node.body[:1] = [ast.copy_location(ast.Pass(), node.body[0])] if alone else []
    return tree


def _documents(node: ast.stmt) -> bool:
    """Whether a statement does nothing but give a built-in object of numpy its docstring."""
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "add_newdoc"


if __name__ == "__main__":
    _compile(Path(sys.argv[1]), sources=sys.argv[2] == "sources")
