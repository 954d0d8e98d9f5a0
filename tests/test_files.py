"""What is written is there whole or not at all."""

import os

import pytest

from keras_artkd.files import (
    read_json,
    replacing,
    write_atomically,
    write_json,
)


def test_writing_is_all_or_nothing(tmp_path):
    path = tmp_path / "m.json"
    write_json(path, {"a": "é"})
    assert read_json(path) == {"a": "é"}

    def fail(temporary):
        temporary.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_atomically(path, fail)
    assert read_json(path) == {"a": "é"}
    assert os.listdir(tmp_path) == ["m.json"]


def test_a_folder_is_replaced_whole(tmp_path):
    for content in ("old", "new"):
        with replacing(tmp_path / "folder") as folder:
            folder.mkdir()
            (folder / content).touch()
    assert os.listdir(tmp_path / "folder") == ["new"]
    with pytest.raises(RuntimeError), replacing(tmp_path / "folder") as folder:
        folder.mkdir()
        raise RuntimeError
    assert os.listdir(tmp_path / "folder") == ["new"]
    assert os.listdir(tmp_path) == ["folder"]
