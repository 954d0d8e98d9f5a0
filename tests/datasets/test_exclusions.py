import json

import pytest

from keras_artkd.datasets import load
from keras_artkd.datasets.exclusions import (
    quoted,
    read_exclusions,
    write_exclusions,
)


@pytest.fixture
def folder(tmp_path, picture):
    root = tmp_path / "images"
    for style in ("Baroque", "Rococo"):
        for i in range(6):
            picture(root / style / f"{i}.jpg")
    return root


def test_every_name_survives(tmp_path):
    names = ["a/b.jpg", "a/b c #1.jpg", " a/b", "a/b ", "#a/b", '"a/b"', "\\x"]
    names += [
        "a/\n.jpg",
        "a/\r",
        "a/\udce9",
        "a/é",
        "a/\u2028",
        "a/\x85",
        "a\t",
    ]
    path = tmp_path / "list"
    write_exclusions(path, dict.fromkeys(names, "why"), "title")
    assert read_exclusions(path) == names
    lines = path.read_text("utf-8").splitlines()
    assert lines[:3] == ["# title", "# why", "a/b.jpg"]
    assert "a/é" in lines and "a/b c #1.jpg" in lines
    assert len(lines) == 1 + 2 * len(names)


def test_a_list_that_an_editor_has_changed(tmp_path):
    path = tmp_path / "list"
    text = '\ufeff# mine\r\n\r\n  a/b.jpg  \r\n"a/\\udce9"\r\na/c.jpg'
    path.write_bytes(text.encode())
    assert read_exclusions(path) == ["a/b.jpg", "a/\udce9", "a/c.jpg"]


def test_quoted_is_plain_where_it_can_be():
    assert quoted("Rococo/d'été #1.jpg") == "Rococo/d'été #1.jpg"
    assert json.loads(quoted("a\nb")) == "a\nb"


def test_a_folder_less_a_list(folder, tmp_path):
    path = tmp_path / "list"
    names = ["Baroque/2.jpg", "Rococo/0.jpg"]
    write_exclusions(path, dict.fromkeys(names, "why"), "title")
    data = load("folder", data_dir=folder, short_side=16, exclude=path)
    stores = (data.train, data.validation, data.test)
    keys = {key for store in stores for key in store.keys}
    assert len(keys) == 10 and not keys & set(names)
    assert [(item.key, item.reason) for item in data.skipped] == [
        (name, f"excluded by {path}") for name in names
    ]
    limited = load("folder", data_dir=folder, limit=9, exclude=path)
    stores = (limited.train, limited.validation, limited.test)
    assert sum(map(len, stores)) == 9


def test_an_empty_list_changes_nothing(folder, tmp_path):
    path = tmp_path / "list"
    write_exclusions(path, {}, "title")
    data = load("folder", data_dir=folder, short_side=16, exclude=path)
    whole = load("folder", data_dir=folder, short_side=16)
    assert data.fingerprint() == whole.fingerprint()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"Rococo/absent.jpg\nx\n", "2 are not in .*Rococo/absent.jpg, x.*Fix"),
        (b"\xe9.jpg\n", "must be UTF-8 text"),
        (b'"Rococo/0.jpg\n', "must be UTF-8 text"),
        (
            "\n".join(f"Rococo/{i}.jpg" for i in range(6)).encode(),
            "at least two classes.*excludes 6 of the 12",
        ),
    ],
)
def test_lists_that_cannot_be_used(folder, tmp_path, content, message):
    path = tmp_path / "list"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        load("folder", data_dir=folder, exclude=path)
    assert "\n" not in str(error.value)


def test_a_list_that_is_not_there(folder, tmp_path):
    with pytest.raises(OSError, match="must be a file that can be read"):
        load("folder", data_dir=folder, exclude=tmp_path / "absent")
