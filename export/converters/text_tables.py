"""What Python's own Unicode tables say about characters, as tables and RE2 classes that every runtime reads alike."""

import sys
import unicodedata
from collections.abc import Callable
from functools import cache

SURROGATES = range(0xD800, 0xE000)


@cache
def characters() -> list[str]:
    """All Unicode characters except surrogates and NUL, which no contract lets in."""
    return [chr(code) for code in range(1, sys.maxunicode + 1) if code not in SURROGATES]


def re2_class(belongs: Callable[[str], bool]) -> str:
    """The inside of an RE2 character class with exactly the characters that belong."""
    ranges: list[list[int]] = []
    for character in characters():
        if not belongs(character):
            continue
        code = ord(character)
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\x{{{low:X}}}-\\x{{{high:X}}}" if low < high else f"\\x{{{low:X}}}" for low, high in ranges)


@cache
def word_class() -> str:
    r"""Python's \w, for str: letters, digits, other numbers and the underscore."""
    return re2_class(lambda character: character.isalnum() or character == "_")


@cache
def space_class() -> str:
    r"""Python's \s, for str; `str.split` cuts at the same characters."""
    return re2_class(str.isspace)


def replacements(lowercase: bool, strip_accents: str | None) -> dict[str, str]:
    """Characters that the preprocessor changes, each by itself, and what they become.

    `str.lower` looks at the neighbours of one letter only, the capital sigma: here it becomes the usual small one.
    With strip_accents="ascii" the table holds all characters that leave something; the others go.
    """
    changed = {}
    for character in characters():
        text = character.lower() if lowercase else character
        if strip_accents == "ascii":
            text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
        elif strip_accents == "unicode":
            text = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
        if text if strip_accents == "ascii" else text != character:
            changed[character] = text
    return changed
