"""Atomic writing: a file is there whole or not at all."""

import os

import numpy as np
import pytest

from keras_artkd.files import (
    read_arrays,
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


def test_a_file_never_replaces_a_folder(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "years.txt").write_text("of work")
    with pytest.raises(ValueError, match="would be lost.*thesis"):
        write_json(tmp_path / "thesis", {})
    with (
        pytest.raises(ValueError, match="A file cannot take the place"),
        replacing(tmp_path / "thesis") as path,
    ):
        path.write_text("new")
    assert (tmp_path / "thesis" / "years.txt").read_text() == "of work"
    with (
        pytest.raises(ValueError, match="A folder cannot take the place"),
        replacing(tmp_path / "thesis" / "years.txt") as path,
    ):
        path.mkdir()
    assert os.listdir(tmp_path) == ["thesis"]
    assert os.listdir(tmp_path / "thesis") == ["years.txt"]


def test_what_is_no_json_is_named(tmp_path):
    for content in (b"{bad", b"\xff\xfe", b"[" * 100_000):
        (tmp_path / "x.json").write_bytes(content)
        with pytest.raises(ValueError, match="JSON.*x.json"):
            read_json(tmp_path / "x.json")


def test_damaged_arrays_are_told_in_one_line(tmp_path):
    """Bytes that are flipped, cut off or others: never another error."""
    path, rng = tmp_path / "a.npz", np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(20, 3)), "meta": np.array("{}")}
    np.savez(path, **arrays)
    whole, damaged = path.read_bytes(), 0
    assert {*read_arrays(path, "none")} == {"x", "meta"}
    contents = [b"", whole[:-1], whole[: len(whole) // 2], b"garbage", b"PK"]
    for _ in range(200):
        mutated = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 4)):
            mutated[place] = rng.integers(256)
        contents.append(bytes(mutated))
    for content in contents:
        path.write_bytes(content)
        try:
            read_arrays(path, "start over")
        except ValueError as error:
            assert str(error).startswith(f"The file is damaged: {path}")
            assert str(error).endswith("Fix: start over.")
            assert "\n" not in str(error) and "pickle" not in str(error)
            damaged += 1
    assert damaged > 100
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "absent.npz", "none")


def test_letters_beyond_unicode_are_damage(tmp_path):
    """Python itself fails at them, with an error of its own kind."""
    for order in "<>":
        points = np.array([ord("a"), 0x110000], f"{order}u4")
        np.savez(tmp_path / "a.npz", names=points.view(f"{order}U1"))
        with pytest.raises(ValueError, match="names holds text that is no"):
            read_arrays(tmp_path / "a.npz", "none")
    for names in (["a", "\U0010ffff"], []):
        np.savez(tmp_path / "a.npz", names=np.array(names, "U2"))
        assert (
            read_arrays(tmp_path / "a.npz", "none")["names"].tolist() == names
        )
