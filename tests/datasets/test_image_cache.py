"""Images that are too many for memory give what they give in memory."""

import collections
import errno
import io
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from keras_artkd.data.images import read_image
from keras_artkd.data.pixels import PixelFile
from keras_artkd.datasets import image_cache, kept_images, load, load_folds
from keras_artkd.datasets.records import Record, read_records
from tests.datasets.archives import noise_jpeg
from tests.datasets.same_data import assert_same

# Of which decoded images take 40 times as much.
MEMORY = 1500
SIDE = 16
# Kills itself in the middle if it is told to.
SCRIPT = """
import os, pathlib, signal, sys
from keras_artkd.datasets import image_cache, kept_images, load
folder, cache, kill = sys.argv[1:]
image_cache.BUDGET = 1500
write_all, written = kept_images._write_all, []
def counted(file, data):
    written.append(len(data))
    if len(written) == int(kill):
        # Half of it.
        write_all(file, data.reshape(-1)[: data.size // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    write_all(file, data)
kept_images._write_all = counted
data = load("folder", folder, short_side=16, cache_dir=cache)
print(data.fingerprint(), len(written))
"""


@pytest.fixture
def folder(tmp_path):
    """60 pictures of three classes; one is damaged, one is there twice."""
    root = tmp_path / "pictures"
    for i in range(60):
        path = root / f"class {i % 3}" / f"{i:02d}_{i % 7}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise_jpeg(i, (24, 24 + i % 5)))
    shutil.copy(root / "class 0" / "03_3.jpg", root / "class 0" / "61.jpg")
    (root / "class 1" / "62.jpg").write_bytes(noise_jpeg(62, (24, 24))[:300])
    return root


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Where images are kept that take more than `MEMORY`."""
    monkeypatch.setattr(image_cache, "BUDGET", MEMORY)
    return tmp_path / "cache"


def in_memory(folder, monkeypatch, **options):
    with monkeypatch.context() as patch:
        patch.setattr(image_cache, "BUDGET", 10**9)
        data = load("folder", folder, short_side=SIDE, **options)
    assert data.train.in_memory
    return data


def on_disk(folder, cache, **options):
    data = load("folder", folder, short_side=SIDE, cache_dir=cache, **options)
    assert not data.train.in_memory
    return data


def counted(monkeypatch):
    """Counts how often each file is decoded."""
    counts = collections.Counter()

    def read(path, short_side):
        counts[path.name] += 1
        return read_image(path, short_side)

    read.__module__, read.__qualname__ = read_image.__module__, "read_image"
    monkeypatch.setattr(
        "keras_artkd.datasets.records.read_records.__defaults__",
        (None, False, read, None, None),
    )
    return counts


def places(cache):
    return {path for path in (cache / "images").iterdir() if path.is_dir()}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fit": "stretch"},
        {"fit": "pad", "group": "artist"},
        {"unlabelled": 0.5, "limit": 40},
        {"folds": 3, "fold": 1},
    ],
)
def test_images_on_disk_are_those_in_memory(
    options, folder, cache, monkeypatch
):
    expected = in_memory(folder, monkeypatch, **options)
    assert_same(on_disk(folder, cache, **options), expected)
    assert_same(on_disk(folder, cache, **options), expected)
    (place,) = places(cache)
    names = {path.name.split("-")[0] for path in place.iterdir()}
    assert names == {"pixels", "rows.jsonl", "complete.json", "digest"}


def test_training_batches_are_those_of_memory(folder, cache, monkeypatch):
    from keras_artkd.data.pipeline import training_dataset

    pairs = zip(
        training_dataset(on_disk(folder, cache).train, 14, 4, 3, epochs=2),
        training_dataset(in_memory(folder, monkeypatch).train, 14, 4, 3, 2),
        strict=True,
    )
    for (images, labels), (expected, of_expected) in pairs:
        np.testing.assert_array_equal(images, expected)
        np.testing.assert_array_equal(labels, of_expected)


def test_what_is_small_stays_in_memory(folder, tmp_path):
    data = load("folder", folder, short_side=SIDE, cache_dir=tmp_path / "c")
    assert data.train.in_memory
    assert not (tmp_path / "c").exists()


def test_all_that_is_read_shares_the_memory(folder, cache, monkeypatch):
    """The labelled images fit; with those without labels it is too much."""
    monkeypatch.setattr(image_cache, "BUDGET", 61 * 3 * SIDE * 20)
    options = {"unlabelled_dir": folder / "class 2", "cache_dir": cache}
    others = folder.parent / "others"
    shutil.copytree(folder / "class 2", others)
    for path in others.iterdir():
        Image.open(path).rotate(90).save(path)
    options["unlabelled_dir"] = others
    data = load("folder", folder, short_side=SIDE, **options)
    assert data.train.in_memory
    assert isinstance(data.unlabelled.pixels, PixelFile)
    assert len(data.unlabelled) == 20


def test_the_second_start_decodes_nothing(folder, cache, monkeypatch):
    counts = counted(monkeypatch)
    data = on_disk(folder, cache)
    fingerprint = data.fingerprint()
    assert len(counts) == 62 and {*counts.values()} == {1}
    counts.clear()
    monkeypatch.setattr(PixelFile, "__getitem__", None)  # Nor is it read.
    assert on_disk(folder, cache).fingerprint() == fingerprint
    assert not counts


def test_a_changed_file_makes_another_cache(folder, cache, monkeypatch):
    first = on_disk(folder, cache)
    (folder / "class 1" / "01_1.jpg").write_bytes(noise_jpeg(99, (24, 25)))
    second = on_disk(folder, cache)
    assert len(places(cache)) == 2
    assert second.fingerprint() != first.fingerprint()
    assert_same(second, in_memory(folder, monkeypatch))
    other = load("folder", folder, short_side=18, cache_dir=cache)
    assert len(places(cache)) == 3 and other.train.sizes.min() == 18


def start(folder, cache, kill=0):
    command = [sys.executable, "-c", SCRIPT, folder, cache, str(kill)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_kill_loses_nothing(folder, cache, monkeypatch):
    """In the middle of an image, or of the line that follows it."""
    expected = in_memory(folder, monkeypatch)
    done = 0
    # Two for each image: its pixels, then its line. The damaged file has none
    # of the former.
    for kill, kept in ((51, 25), (41, 45), (0, 62)):
        process = start(folder, cache, kill)
        output, _ = process.communicate(timeout=300)
        (place,) = places(cache)
        rows = (place / "rows.jsonl").read_bytes().split(b"\n")
        assert len(rows) - 1 == kept
        if kill:
            assert process.returncode == -signal.SIGKILL
            assert not (place / "complete.json").exists()
        else:
            assert process.returncode == 0
            # What was there is not written again.
            assert int(output.split()[1]) == 2 * (62 - done)
        done = kept
    counts = counted(monkeypatch)
    assert_same(on_disk(folder, cache), expected)
    assert not counts


def test_two_processes_make_one_cache(folder, cache, monkeypatch):
    processes = [start(folder, cache) for _ in range(2)]
    answers = [p.communicate(timeout=300)[0].split() for p in processes]
    assert answers[0][0] == answers[1][0]
    # One of them wrote all: images, and a line for each file.
    assert sorted(int(written) for _, written in answers) == [0, 61 + 62]
    assert_same(on_disk(folder, cache), in_memory(folder, monkeypatch))
    assert len(places(cache)) == 1


def damage_pixels(place):
    with (place / "pixels").open("rb+") as file:
        file.seek(30 * 3 * SIDE * 17)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def cut_pixels(place):
    os.truncate(place / "pixels", 10_000)


def damage_rows(place):
    path = place / "rows.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:20], b"\xff{not JSON\n", *lines[21:]]))


def forget_that_it_is_complete(place):
    (place / "complete.json").write_text("{")


def lose_pixels(place):
    (place / "pixels").unlink()


@pytest.mark.parametrize(
    "damage, least, most",
    [
        (damage_pixels, 25, 40),
        (cut_pixels, 45, 55),
        (damage_rows, 42, 42),
        (forget_that_it_is_complete, 0, 0),
        (lose_pixels, 62, 62),
    ],
)
def test_damage_is_noticed_and_mended(
    damage, least, most, folder, cache, monkeypatch
):
    """What lies before it is not decoded again."""
    expected = on_disk(folder, cache).fingerprint()
    (place,) = places(cache)
    damage(place)
    counts = counted(monkeypatch)
    data = on_disk(folder, cache)
    assert least <= len(counts) <= most
    assert data.fingerprint() == expected
    assert_same(data, in_memory(folder, monkeypatch))


def filled(folder, cache, number, **options):
    """Loads the pictures at another size, which makes another cache."""
    return load(
        "folder", folder, short_side=SIDE + number, cache_dir=cache, **options
    )


def test_older_caches_are_removed_first_and_none_that_is_used(folder, cache):
    used = filled(folder, cache, 0)
    (first,) = places(cache)
    size = sum(path.stat().st_size for path in first.iterdir())
    filled(folder, cache, 1)
    (second,) = places(cache) - {first}
    filled(folder, cache, 2)
    (third,) = places(cache) - {first, second}
    for age, place in enumerate((third, second, first)):
        os.utime(place / "complete.json", (1000 + age, 1000 + age))
    # Room for three: the third goes, which is the oldest.
    filled(folder, cache, 3, cache_size=4.2 * size / 1e9)
    assert {first, second} < places(cache) and third not in places(cache)
    # For two: the first is the next, but for its use.
    os.utime(first / "complete.json", (1, 1))
    filled(folder, cache, 4, cache_size=2.9 * size / 1e9)
    assert len(places(cache)) == 2 and first in places(cache)
    del used
    filled(folder, cache, 5, cache_size=1.9 * size / 1e9)
    assert len(places(cache)) == 1 and first not in places(cache)


def test_a_cache_that_is_too_small_says_so(folder, cache):
    with pytest.raises(
        ValueError,
        match=r"62 images, decoded about .*e-05 GB.*-cache-size allows 1e-05"
        r". Fix: a larger --cache-size, a smaller --image-size, or --limit",
    ):
        on_disk(folder, cache, cache_size=1e-5)
    assert not places(cache)
    used = on_disk(folder, cache)
    with pytest.raises(ValueError, match="other processes use.*Fix: wait"):
        filled(folder, cache, 1, cache_size=1e-4)
    assert len(used.train.image(0)) == SIDE
    with pytest.raises(ValueError, match="must be positive.*cache_size=0"):
        on_disk(folder, cache, cache_size=0)


def test_a_full_disk_says_what_to_do(folder, cache, monkeypatch):
    usage = shutil.disk_usage("/")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=999))
        with pytest.raises(OSError, match=r"must have room.*9.99e-07 GB free"):
            on_disk(folder, cache)
    assert not places(cache)
    written = []

    def write(file, data):
        written.append(data)
        if len(written) > 60:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        kept_write(file, data)

    kept_write = kept_images._write_all
    with monkeypatch.context() as patch:
        patch.setattr(kept_images, "_write_all", write)
        with pytest.raises(OSError, match="Fix: free some and run it again"):
            on_disk(folder, cache)
    # Room is made, and it goes on from there.
    counts = counted(monkeypatch)
    data = on_disk(folder, cache)
    assert len(counts) == 32
    assert_same(data, in_memory(folder, monkeypatch))


def test_a_folder_that_cannot_be_written_says_so(folder, cache):
    cache.write_text("a file")
    with pytest.raises(OSError, match="Fix: another one, --data-options"):
        on_disk(folder, cache)


def test_a_system_without_reads_at_a_place(folder, cache, monkeypatch):
    monkeypatch.setattr(image_cache, "can_read_at_place", lambda: False)
    data = load("folder", folder, short_side=SIDE, cache_dir=cache)
    assert data.train.in_memory and not cache.exists()


def test_encoded_bytes_without_a_source_stay_in_memory(cache):
    records = [Record(noise_jpeg(i, (24, 24)), str(i), 0, "") for i in range(9)]
    store, *_ = read_records(records, None)
    assert store.in_memory and len(store) == 9


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_how_far_it_is(folder, cache, monkeypatch):
    monkeypatch.setattr("keras_artkd.output._PATIENCE", 0)
    for terminal, bars in ((Terminal(), 2), (io.StringIO(), 0)):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", terminal)
            on_disk(folder, cache)
        # One while memory holds them, then one for the disk.
        shown = terminal.getvalue()
        assert shown.count("Decoding:   0%|") == bars
        assert ("/62 [" in shown) == bool(bars)
        shutil.rmtree(cache)


def test_folds_of_images_on_disk(folder, cache, monkeypatch):
    arguments = {"data_dir": folder, "short_side": SIDE, "cache_dir": cache}
    data_of = load_folds("folder", 3, **arguments)
    for fold in (0, None):
        expected = in_memory(folder, monkeypatch, folds=3, fold=fold)
        assert_same(data_of(fold), expected)


def test_an_archive_and_a_split_of_it(archive, tmp_path, cache, monkeypatch):
    """Read from the files of TFDS, a split after the other."""
    prepared = tmp_path / "prepared"
    options = {
        "name": "tiny_imagenet",
        "data_dir": archive("tiny_imagenet"),
        "cache_dir": prepared,
        "short_side": SIDE,
    }
    on = load(**options)
    assert not on.train.in_memory
    again = load(**options)
    monkeypatch.setattr(image_cache, "BUDGET", 10**9)
    shutil.rmtree(prepared / "images")
    expected = load(**options)
    assert expected.train.in_memory
    assert_same(on, expected)
    assert_same(again, expected)
