"""A folder -> the same folder with a gzip and a brotli copy beside each file that shrinks, for hosts that send them."""

import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).with_name("compress.mjs")
PACKED = (".br", ".gz")
ALREADY = frozenset({".png", *PACKED})  # compressed in themselves


class CompressError(RuntimeError):
    """The files were not compressed: the rule, what was got, what to do."""

    def __init__(self, got: str, remedy: str) -> None:
        super().__init__(f"the copies are compressed by node; {got}. {remedy}")


def compress_folder(folder: Path, quality: int = 11) -> None:
    """Write `NAME.br` and `NAME.gz` beside each file but pictures.

    The same content gives the same bytes with the same node. The runtime's 14 MB of wasm take it half a minute.

    Args:
        folder: with all its folders.
        quality: brotli's, 0 to 11.

    Raises:
        CompressError: there is no node, or it stopped.
    """
    node = shutil.which("node")
    if node is None:
        raise CompressError("there is none", "Install Node 20 or later, or leave the copies out (`--plain`).")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in ALREADY)
    names = "".join(f"{path}\n" for path in files)
    done = subprocess.run(  # noqa: S603 - our own script; no shell
        [node, str(SCRIPT), str(quality)], input=names, capture_output=True, check=False, encoding="utf-8"
    )
    if done.returncode != 0:
        raise CompressError(f"it stopped with: {done.stderr.strip()}", "See whether there is room on the disk.")
