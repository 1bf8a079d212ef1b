"""Reading a table: what is accepted, and what each refusal says."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from train.errors import TrainError
from train.rows import read_rows
from train.table import read_table, sniff_delimiter


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    table = read_table(write(tmp_path / "a.csv", delimiter.join("abc") + "\n" + delimiter.join("123") + "\n"))
    assert table.delimiter == delimiter
    assert table.frame.to_dict("list") == {"a": ["1"], "b": ["2"], "c": ["3"]}


def test_a_delimiter_inside_quotes_and_decimal_commas_do_not_mislead() -> None:
    assert sniff_delimiter('a;b\n"1,2,3";4\n"5,6,7";8\n') == ";"
    assert sniff_delimiter("a;b;c\n1,5;2,5;3,5\n") == ";"


def test_cells_stay_text_and_quotes_are_undone(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.csv", '\ufeffid,note\n007, "x" \n"8","say ""hi"", you\nthere"\n\n'))
    assert table.frame.to_dict("list") == {"id": ["007", "8"], "note": ['"x"', 'say "hi", you\nthere']}


def test_parquet_keeps_types_and_nulls(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "t": ["NA", None]})
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.typed
    assert str(table.frame["n"].dtype) == "int64[pyarrow]"
    assert table.frame["t"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ["empty file"]),
        (" \n ", ["empty file"]),
        ("a,b\n", ["header only"]),
        ("a,b,a\n1,2,3\n", ["'a' 2 times", "Rename"]),
        ("a,,c\n1,2,3\n", ["column 2", "Name it"]),
        ("a,b\n1,2\n3,4,5\n", ["3 fields at line 3", "2 in the header"]),
        ("a,b,c\n1,2,3\n4;5;6\n", ["line 3", "semicolon", "mixes delimiters"]),
        ('a,b\n1,"2\n', ["quoted", "line"]),
        (b"a,b\n1,caf\xe9\n", ["0xe9 at position 9 (line 2)", "utf-8", "encoding ="]),
        ("a,b\n1,2\n".encode("utf-16"), ["0xff at position 0", "encoding ="]),
        (b"a,b\n1,\x002\n", ["NUL character at position 6"]),
        (b"PAR1 broken", ["Parquet"]),
    ],
)
def test_a_bad_file_is_refused_with_rule_place_and_remedy(
    tmp_path: Path, content: str | bytes, said: list[str]
) -> None:
    with pytest.raises(TrainError) as caught:
        read_table(write(tmp_path / "a.csv", content))
    for part in said:
        assert part in str(caught.value)
    assert caught.value.rule
    assert caught.value.remedy


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(TrainError, match="a folder"):
        read_table(tmp_path)


def test_another_encoding_is_read_when_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"a,b\n1,caf\xe9\n")
    assert read_table(path, encoding="latin-1").frame["b"].tolist() == ["café"]
    with pytest.raises(TrainError, match="Python knows"):
        read_table(path, encoding="klingon")


def test_rows_for_an_estimator_from_elsewhere_have_pandas_dtypes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a;b;c\n1;x;1.5\n2;NA;\n")
    rows = read_rows(path, ["c", "a", "b"])
    assert [str(kind) for kind in rows.dtypes] == ["float64", "int64", "str"]
    assert rows["b"].isna().tolist() == [False, True]
    with pytest.raises(TrainError, match=r"no 'bb'.*Did you mean 'b'"):
        read_rows(path, ["bb"])
