"""Shared libraries (ELF, 64 bit, little-endian): the machine they are for, and the bytes that a loader reads."""

import struct
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

MAGIC = b"\x7fELF\x02\x01"  # ELF, 64 bit, little-endian
MACHINES = {"x86_64": 62, "arm64": 183}  # e_machine: EM_X86_64, EM_AARCH64
SEGMENT = struct.Struct("<IIQQQQQQ")  # one entry of the program header table, Elf64_Phdr
LOAD = 1  # PT_LOAD
HEADER_SIZE = 64
MACHINE, SEGMENTS_AT, SECTIONS_AT, SEGMENT_COUNT, SECTION_COUNT = 18, 32, 40, 56, 60  # offsets in the header


@dataclass(frozen=True)
class Segment:
    """One entry of the program header table; offsets and sizes in bytes."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    size: int
    memory: int
    align: int


def machine_of(content: bytes) -> str | None:
    """The architecture of a library as Lambda names it, "e_machine N" for another one; None where it is no library."""
    if content[: len(MAGIC)] != MAGIC or len(content) < HEADER_SIZE:
        return None
    (number,) = struct.unpack_from("<H", content, MACHINE)
    return next((name for name, known in MACHINES.items() if known == number), f"e_machine {number}")


def segments_of(content: bytes) -> list[Segment]:
    """The program header table of a library."""
    (table,) = struct.unpack_from("<Q", content, SEGMENTS_AT)
    (count,) = struct.unpack_from("<H", content, SEGMENT_COUNT)
    return [Segment(*SEGMENT.unpack_from(content, table + index * SEGMENT.size)) for index in range(count)]


def loaded_part(content: bytes) -> bytes:
    """A library without the bytes that no loader reads: symbols for debuggers and the section headers.

    What is mapped into memory stays the same byte for byte; segments move within the file by whole pages. A library
    with nothing to gain, or with a table outside of its loaded segments, comes back as it is.
    """
    segments = segments_of(content)
    loads = sorted((one for one in segments if one.kind == LOAD), key=lambda one: one.offset)
    (table,) = struct.unpack_from("<Q", content, SEGMENTS_AT)
    needed = [(one.offset, one.size) for one in segments] + [(0, HEADER_SIZE), (table, len(segments) * SEGMENT.size)]
    if not all(size == 0 or _covered(loads, offset, offset + size) for offset, size in needed):
        return content
    page = max(one.align for one in loads)
    cuts: list[int] = []
    end = 0
    for load in loads:
        cuts.append((cuts[-1] if cuts else 0) + max(load.offset - end, 0) // page * page)
        end = max(end, load.offset + load.size)
    packed = bytearray(end - cuts[-1])
    for load, cut in zip(loads, cuts, strict=True):
        packed[load.offset - cut : load.offset + load.size - cut] = content[load.offset : load.offset + load.size]

    def moved(offset: int) -> int:
        return offset - max((cut for load, cut in zip(loads, cuts, strict=True) if load.offset <= offset), default=0)

    struct.pack_into("<QQ", packed, SEGMENTS_AT, moved(table), 0)
    struct.pack_into("<HH", packed, SECTION_COUNT, 0, 0)
    for index, one in enumerate(segments):
        entry = replace(one, offset=moved(one.offset))
        SEGMENT.pack_into(packed, moved(table) + index * SEGMENT.size, *astuple(entry))
    return bytes(packed) if cuts[-1] else content


def _covered(loads: Sequence[Segment], start: int, end: int) -> bool:
    return any(load.offset <= start and end <= load.offset + load.size for load in loads)
