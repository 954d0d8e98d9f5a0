"""Indices of the archives of paintings, in the official layouts."""

import shutil

import pytest

from keras_artkd.datasets.archives.multitask_painting100k import (
    index as multitask_index,
)
from keras_artkd.datasets.archives.pandora18k import index as pandora_index
from keras_artkd.datasets.archives.prepared import fingerprint
from keras_artkd.datasets.archives.wikiart import index as wikiart_index
from tests.datasets.archives import (
    LISTED,
    ON_DISK,
    TRUTH,
    make_painting100k,
    make_pandora,
    make_wikiart,
)


@pytest.fixture
def wikiart(tmp_path):
    return make_wikiart(tmp_path / "archive")


@pytest.fixture
def pandora(tmp_path):
    return make_pandora(tmp_path / "archive")


@pytest.fixture
def multitask(tmp_path):
    return make_painting100k(tmp_path / "archive")


def reasons(items):
    return {item.key: item.reason for item in items}


def test_wikiart_index_joins_lists_and_disk(wikiart):
    index = wikiart_index.build_index(wikiart, official=True)
    assert len(index.class_names) == 27
    by_key = {record.key: record for record in index.records}
    assert len(by_key) == 3 * 17 + 3
    nouveau = by_key["Art_Nouveau_Modern/artist-0_work-a.y.-0(1).jpg"]
    assert nouveau.label == 3 and nouveau.group == "artist-0"
    assert by_key[f"Cubism/{ON_DISK}"].label == 7
    assert len(index.test_keys) == 15
    assert index.test_keys <= set(by_key)
    assert reasons(index.skipped) == {
        "Cubism/absent_work.jpg": "listed in a csv file, but not on disk",
        "Cubism/unlisted_work.jpg": "on disk, but in no csv file",
        "Cubism/notes.txt": "not an image file, by its extension",
    }


@pytest.mark.parametrize(
    "on_disk",
    [
        ON_DISK,
        "andré-lhote_rugby.jpg",
        "andre\u0301-lhote_rugby.jpg",
        "andr#U00e3#U00a9-lhote_rugby.jpg",
        "Andr\ufffd-Lhote_rugby.jpg",
    ],
)
def test_damaged_names_are_the_same_by_their_skeleton(on_disk):
    assert wikiart_index.skeleton(f"Cubism/{on_disk}") == (
        wikiart_index.skeleton(f"Cubism/{LISTED}")
    )
    assert wikiart_index.skeleton(f"Fauvism/{on_disk}") != (
        wikiart_index.skeleton(f"Cubism/{LISTED}")
    )


def test_wikiart_ambiguous_names_are_listed_not_guessed(wikiart, picture):
    picture(wikiart / "wikiart/Cubism/andré-lhote_rugby.jpg")
    index = wikiart_index.build_index(wikiart)
    why = reasons(index.skipped)
    assert "several names are alike" in why[f"Cubism/{LISTED}"]
    assert "several names are alike" in why[f"Cubism/{ON_DISK}"]
    assert not any("lhote" in record.key for record in index.records)


def test_wikiart_folder_named_as_in_the_class_list(wikiart):
    images = wikiart / "wikiart"
    (images / "Art_Nouveau_Modern").rename(images / "Art_Nouveau")
    index = wikiart_index.build_index(wikiart, official=True)
    assert sum(record.label == 3 for record in index.records) == 17


def test_wikiart_rows_that_make_no_sense_are_listed(wikiart):
    path = wikiart / "wikiart_csv/style_train.csv"
    extra = "Vorticism/a_b.jpg,3\r\nBaroque/a_b.jpg,9\r\n\r\nBaroque\r\n"
    first = path.read_text("utf-8").splitlines()[0]
    path.write_bytes(
        (path.read_bytes().decode() + extra + first + "\r\n").encode()
    )
    why = reasons(wikiart_index.build_index(wikiart).skipped)
    assert "no known style" in why["Vorticism/a_b.jpg"]
    assert "no known style" in why["Baroque"]
    assert "says class ['9']" in why["Baroque/a_b.jpg"]
    assert why[first.split(",")[0]] == "listed twice in the csv files"


def test_wikiart_without_lists(wikiart):
    shutil.rmtree(wikiart / "wikiart_csv")
    index = wikiart_index.build_index(wikiart)
    assert len(index.records) == 3 * 17 + 4 and not index.test_keys
    with pytest.raises(ValueError, match="style_train.csv and style_val.csv"):
        wikiart_index.build_index(wikiart, official=True)


@pytest.mark.parametrize(
    "index, wanted",
    [
        (wikiart_index, "wikiart.*Baroque"),
        (pandora_index, "Pandora_18k"),
        (multitask_index, "test_header.csv.*train_header.csv.*images/"),
    ],
)
def test_missing_archives_say_what_where_and_how(tmp_path, index, wanted):
    with pytest.raises(ValueError, match="does not exist"):
        index.build_index(tmp_path / "absent")
    (tmp_path / "archive.zip").write_bytes(b"x")
    with pytest.raises(ValueError, match=f"(?s){wanted}") as error:
        index.build_index(tmp_path)
    message = str(error.value)
    assert str(tmp_path) in message
    assert "extract archive.zip there first" in message
    assert index.INSTRUCTIONS in message


def test_pandora_index(pandora):
    index = pandora_index.build_index(pandora)
    assert len(index.class_names) == 18
    by_key = {record.key: record for record in index.records}
    assert len(by_key) == 2 * 16 + 13
    # The same file name under two artists.
    style = "01_Byzantin_Iconography"
    name = "death-of-the-virgin-1469 0.jpg"
    assert by_key[f"{style}/Andrei Rublev/{name}"].group == "andrei rublev"
    assert by_key[f"{style}/fra-angelico/{name}"].group == "angelico fra"
    deep = "16_AbstractArt/Abstract_Art"
    assert by_key[f"{deep}/Kandinsky_Vassily/fugue-0.jpg"].label == 15
    assert (
        by_key[f"{deep}/Kandinsky_Vassily/fugue-0.jpg"].group
        == "kandinsky vassily"
    )
    assert by_key[f"{deep}/_Klee/fugue-0.jpg"].group == "klee"
    alone = by_key[f"{deep}/no-artist.jpg"]
    assert alone.group == alone.key
    why = reasons(index.skipped)
    assert "not an image file" in why["05_Baroque/Goya/list.csv"]
    assert why["18_PopArt"] == "style folder not on disk"
    # The archive's own folder may be given as well.
    assert pandora_index.build_index(pandora / "Pandora_18k").records == (
        index.records
    )


def test_multitask_index(multitask):
    index = multitask_index.build_index(multitask)
    assert index.class_names == [
        "Analytical\u00a0Realism",
        "Naïve Art (Primitivism)",
        "Perceptism",
    ]
    by_key = {record.key: record for record in index.records}
    assert by_key["0.jpg"].label == 2 and by_key["0.jpg"].group == "Artist, 0"
    assert len(index.test_keys) == 15 and "40.jpg" in index.test_keys
    why = reasons(index.skipped)
    assert "not on disk" in why["900.jpg"]
    assert "gives no style" in why["901.jpg"]
    assert "listed again" in why["40.jpg"]
    assert "in no csv" in why["999.jpg"]
    assert len(by_key) == 48


def test_multitask_extension_case_and_old_encoding(multitask):
    (multitask / "images/0.jpg").rename(multitask / "images/0.JPG")
    for path in (multitask / TRUTH).iterdir():
        path.write_bytes(path.read_text("utf-8").encode("cp1252"))
    index = multitask_index.build_index(multitask)
    assert index.records[0].key == "0.jpg"
    assert index.records[0].path.name == "0.JPG"
    assert "Naïve Art (Primitivism)" in index.class_names


def test_fingerprint_sees_sizes_labels_and_lists(wikiart):
    index = wikiart_index.build_index(wikiart)
    first = fingerprint(index)
    assert first == fingerprint(wikiart_index.build_index(wikiart))
    path = wikiart / "wikiart/Cubism/artist-1_work-a.y.-1(1).jpg"
    path.write_bytes(path.read_bytes() + b"x")
    second = fingerprint(wikiart_index.build_index(wikiart))
    shutil.rmtree(wikiart / "wikiart_csv")
    third = fingerprint(wikiart_index.build_index(wikiart))
    assert len({first, second, third}) == 3
