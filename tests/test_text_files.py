"""Text files as other systems write them."""

import pytest

from keras_artkd.text_files import (
    cell_value,
    decode,
    read_text,
    safe_cell,
    table_reader,
)

TEXT = "Café,1\nБарокко,2\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding, end, tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(TEXT.replace("\n", end).encode(encoding))
    assert read_text(path) == TEXT


def test_the_mark_of_utf16_big_endian():
    assert decode(b"\xfe\xff" + TEXT.encode("utf-16-be")) == TEXT


def test_another_encoding_needs_to_be_named():
    content = "Café".encode("cp1252")
    with pytest.raises(UnicodeDecodeError):
        decode(content)
    assert decode(content, fallback="cp1252") == "Café"
    assert decode(b"") == ""


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("first", ["", "sep={}\n"])
def test_tables_of_spreadsheets(delimiter, first):
    rows = [["name", "label"], ['a "b", c; d', "1"], ["=x", "two\nlines"]]
    lines = [
        delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row)
        for row in rows
    ]
    text = first.format(delimiter) + "\n".join(lines) + "\n"
    assert [*table_reader(text)] == rows


def test_names_with_semicolons_do_not_divide_columns():
    text = "Baroque/a; b; c.jpg,4\nBaroque/d.jpg,4\n"
    assert [*table_reader(text)][0] == ["Baroque/a; b; c.jpg", "4"]


@pytest.mark.parametrize(
    "name", ["=1+1", "+x", "-x", "@x", "\tx", "'=x", "'x", "plain", "", "a=b"]
)
def test_cells_that_a_spreadsheet_would_run(name):
    cell = safe_cell(name)
    assert not cell.startswith(("=", "+", "-", "@", "\t"))
    assert cell_value(cell) == name
    assert cell == name or cell == f"'{name}"
    # A person may have taken the quote away.
    assert cell_value(name.lstrip("'")) == name.lstrip("'")
