"""The TFDS builders, on archives in the official layouts, traps and all."""

import io
import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from keras_artkd.datasets.multitask_painting100k import (
    index as multitask_index,
)
from keras_artkd.datasets.pandora18k import index as pandora_index
from keras_artkd.datasets.prepared import fingerprint, prepare
from keras_artkd.datasets.storage import stored_image
from keras_artkd.datasets.wikiart import index as wikiart_index
from keras_artkd.datasets.wikiart import wikiart_dataset_builder
from keras_artkd.images import UnreadableImage, read_image
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


def rows_of(builder):
    """Dict split -> dict filename -> example, images undecoded."""
    return {
        split: {
            row["filename"].decode(): row
            for row in tfds.as_numpy(
                builder.as_dataset(
                    split=split,
                    decoders={"image": tfds.decode.SkipDecoding()},
                )
            )
        }
        for split in ("train", "validation", "test")
    }


@pytest.mark.parametrize("protocol", ["random", "artist", "official"])
def test_wikiart_prepared(wikiart, tmp_path, protocol):
    builder = prepare("wikiart", wikiart, protocol, cache_dir=tmp_path / "c")
    rows = rows_of(builder)
    assert builder.info.features["label"].num_classes == 27
    keys = [set(part) for part in rows.values()]
    assert not (keys[0] & keys[1] or keys[0] & keys[2] or keys[1] & keys[2])
    why = {
        item["key"]: item["reason"]
        for item in json.loads((builder.data_path / "skipped.json").read_text())
    }
    broken = "Baroque/rembrandt_woman-standing-with-raised-hands.jpg"
    assert "cannot be decoded" in why[broken]
    assert "in no csv" in why["Cubism/unlisted_work.jpg"]
    copy = "Baroque/copy_x.jpg"
    original = "Cubism/artist-4_work-a.y.-16(1).jpg"
    if protocol == "official":
        assert len(rows["test"]) == 15
        assert "official test" in why[copy]
        assert sum(map(len, rows.values())) == 15 + 37
        assert 4 <= len(rows["validation"]) <= 8
    else:
        assert "label conflicts" in why.get(copy, "") + why.get(original, "")
        assert sum(map(len, rows.values())) == 53
        at = [copy in part for part in rows.values()]
        assert at == [original in part for part in rows.values()]
    if protocol == "artist":
        artists = [
            {row["artist"] for row in part.values()} for part in rows.values()
        ]
        assert not artists[0] & artists[1]
        assert not artists[0] & artists[2]
        assert not artists[1] & artists[2]
    everything = {**rows["train"], **rows["validation"], **rows["test"]}
    row = everything["Cubism/artist-1_work-a.y.-1(1).jpg"]
    assert row["label"] == 7 and row["artist"] == b"artist-1"
    # A small plain JPEG keeps its bytes.
    source = wikiart / "wikiart/Cubism/artist-1_work-a.y.-1(1).jpg"
    assert row["image"] == source.read_bytes()
    # TFDS itself decodes what was stored.
    example = next(iter(tfds.as_numpy(builder.as_dataset(split="train"))))
    assert example["image"].shape == (24, 30, 3)


def test_another_seed_is_another_split(wikiart, tmp_path):
    first = prepare("wikiart", wikiart, "random", 0, tmp_path / "c")
    second = prepare("wikiart", wikiart, "random", 1, tmp_path / "c")
    assert first.data_dir != second.data_dir
    assert set(rows_of(first)["test"]) != set(rows_of(second)["test"])


def times(builder):
    """When each file of the prepared data was written."""
    folder = pathlib.Path(builder.data_dir)
    return {path: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_another_folder_is_not_served_from_the_cache(wikiart, tmp_path):
    before = prepare("wikiart", wikiart, "random", 0, tmp_path / "c")
    marks = times(before)
    again = prepare("wikiart", wikiart, "random", 0, tmp_path / "c")
    assert again.data_dir == before.data_dir
    assert times(again) == marks
    (wikiart / "wikiart/Baroque/artist-0_work-a.y.-0(1).jpg").unlink()
    after = prepare("wikiart", wikiart, "random", 0, tmp_path / "c")
    assert after.data_dir != before.data_dir
    assert sum(map(len, rows_of(after).values())) == 52


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


def test_too_few_images_for_three_splits(tmp_path, picture):
    for i in range(2):
        picture(tmp_path / f"a/wikiart/Baroque/a_{i}.jpg")
    with pytest.raises(ValueError, match="validation, test of 'wikiart' empty"):
        prepare("wikiart", tmp_path / "a", "random", 0, tmp_path / "c")


def test_multitask_class_names_survive_the_cache(multitask, tmp_path):
    for _ in range(2):  # Prepared, then read back.
        builder = prepare(
            "multitask_painting100k", multitask, "official", 0, tmp_path / "c"
        )
        assert builder.info.features["label"].names == [
            "Analytical\u00a0Realism",
            "Naïve Art (Primitivism)",
            "Perceptism",
        ]
    rows = rows_of(builder)
    assert set(rows["test"]) == {f"{i}.jpg" for i in range(33, 48)}


def test_unknown_protocol(pandora, tmp_path):
    with pytest.raises(ValueError, match="random, artist.*official"):
        prepare("pandora18k", pandora, "official", 0, tmp_path / "c")


def test_stored_images_are_small_upright_rgb(tmp_path):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (4, 6, 3), dtype="uint8")
    image = Image.fromarray(coarse).resize((540, 360), Image.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6
    cases = {
        "big.jpg": (image, {}, (256, 384)),
        "big.png": (image, {}, (256, 384)),
        "cmyk.jpg": (image.resize((90, 60)).convert("CMYK"), {}, (60, 90)),
        "turned.jpg": (image.resize((90, 60)), {"exif": exif}, (90, 60)),
        "clear.png": (image.resize((90, 60)).convert("RGBA"), {}, (60, 90)),
        "strip.png": (image.resize((900, 20)), {}, (20, 900)),
    }
    for name, (picture, options, size) in cases.items():
        picture.save(tmp_path / name, **options)
        data, digest = stored_image(tmp_path / name)
        result = Image.open(io.BytesIO(data))
        assert (result.format, result.mode) == ("JPEG", "RGB"), name
        assert result.size == size[::-1], name
        assert not result.getexif().get(0x0112)
        whole = read_image(tmp_path / name, min(size), float("inf"))
        assert np.abs(np.asarray(result, int) - whole).mean() < 5, name
        assert len(digest) == 32
    for mode in ("RGB", "L"):
        path = tmp_path / "plain.jpg"
        image.resize((300, 200)).convert(mode).save(path)
        assert stored_image(path)[0] == path.read_bytes()


def test_stored_image_refuses_what_cannot_be_read(tmp_path):
    path = tmp_path / "x.jpg"
    Image.fromarray(np.zeros((1, 70_000, 3), "uint8")).save(tmp_path / "x.png")
    with pytest.raises(UnreadableImage):  # Wider than JPEG can be.
        stored_image(tmp_path / "x.png")
    path.write_bytes(b"")
    with pytest.raises(UnreadableImage, match="empty file"):
        stored_image(path)


# What `tfds.testing.DatasetBuilderTestCase` would check, without the package
# `dill` that importing it needs and TFDS does not bring.
@pytest.mark.parametrize(
    "name, citation, counts",
    [
        ("wikiart", "Tan, Wei Ren", [37, 8, 8]),
        ("pandora18k", "Florea, Corneliu", [31, 7, 7]),
        ("multitask_painting100k", "Bianco, Simone", [34, 7, 7]),
    ],
)
def test_builders_are_complete(name, citation, counts, request, tmp_path):
    fixture = {"pandora18k": "pandora", "multitask_painting100k": "multitask"}
    root = request.getfixturevalue(fixture.get(name, name))
    builder = prepare(name, root, "random", cache_dir=tmp_path / "c")
    assert builder.name == name
    assert name in tfds.core.registered.list_imported_builders()
    assert citation in builder.info.citation
    assert "by hand" in builder.info.description
    assert builder.info.homepage.startswith("http")
    tags = builder.get_metadata().tags
    assert "ml.task.image-classification" in tags
    assert set(tags) <= set(tfds.core.dataset_metadata.valid_tags())
    assert builder.info.supervised_keys == ("image", "label")
    sizes = [builder.info.splits[s].num_examples for s in rows_of(builder)]
    assert np.abs(np.subtract(sizes, counts)).max() <= 2
    assert sum(sizes) == sum(counts)
    image, label = next(
        iter(tfds.as_numpy(builder.as_dataset("test", as_supervised=True)))
    )
    assert image.dtype == np.uint8 and image.shape == (24, 30, 3)
    assert 0 <= label < builder.info.features["label"].num_classes


def test_tfds_says_how_to_get_a_missing_archive(tmp_path):
    builder = wikiart_dataset_builder.Builder(data_dir=tmp_path / "c")
    config = tfds.download.DownloadConfig(manual_dir=tmp_path / "absent")
    with pytest.raises(AssertionError, match="wikiart.zip"):
        builder.download_and_prepare(download_config=config)
