import os
import sys

import pytest
from PIL import Image, features

from keras_artkd.data.images import read_image
from keras_artkd.datasets.folder import artist, find_records
from keras_artkd.datasets.records import Skipped
from keras_artkd.doctor import examine
from tests.datasets.archives import forbid


@pytest.fixture
def tree(tmp_path, picture):
    for key in (
        "Rococo/watteau_the-swing.jpg",
        "Rococo/deep/er/watteau_the-swing.JPG",
        "Baroque/no-artist.Jpeg",
        "Baroque/rubens_a b (1), d'été [x].jpg",
        "_Naive/_odd name.jpg",
        "Baroque/.hidden_one.jpg",
        "Baroque/.hidden/x_y.jpg",
        ".cache/x_y.jpg",
        "__MACOSX/Baroque/._x_y.jpg",
        "Rococo/__MACOSX/x_y.jpg",
    ):
        picture(tmp_path / key)
    for key in ("Baroque/Thumbs.db", "Rococo/.DS_Store", ".DS_Store"):
        (tmp_path / key).write_bytes(b"x")
    return tmp_path


def test_a_tree_with_all_its_litter(tree):
    class_names, records, skipped = find_records(tree)
    assert class_names == ["Baroque", "Rococo", "_Naive"]
    assert [(r.key, r.label, r.group) for r in records] == [
        ("Baroque/no-artist.Jpeg", 0, "Baroque/no-artist.Jpeg"),
        ("Baroque/rubens_a b (1), d'été [x].jpg", 0, "rubens"),
        ("Rococo/deep/er/watteau_the-swing.JPG", 1, "watteau"),
        ("Rococo/watteau_the-swing.jpg", 1, "watteau"),
        ("_Naive/_odd name.jpg", 2, "_Naive/_odd name.jpg"),
    ]
    assert all(r.path.is_file() for r in records)
    assert skipped == []


@pytest.mark.parametrize(
    "name",
    [
        *("@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found", "@Recycle"),
        *("System Volume Information", ".@__thumb", "@Recently-Snapshot"),
    ],
)
def test_what_systems_leave_behind_is_no_class_and_no_image(
    name, tree, picture
):
    before = find_records(tree)
    picture(tree / name / "old.jpg")
    picture(tree / "Rococo" / name / "watteau.jpg" / "THUMB_M.jpg")
    assert find_records(tree) == before


def test_what_is_left_out_is_listed(tree):
    (tree / "README.md").write_text("x")
    (tree / "Rococo" / "notes.txt").write_text("x")
    (tree / "Cubism" / "deep").mkdir(parents=True)
    class_names, records, skipped = find_records(str(tree))
    assert "Cubism" not in class_names and len(records) == 5
    reasons = {item.key: item.reason for item in skipped}
    assert set(reasons) == {"README.md", "Rococo/notes.txt", "Cubism"}
    assert reasons["README.md"] == "not in a class folder"
    assert "not an image" in reasons["Rococo/notes.txt"]
    assert "without images" in reasons["Cubism"]


def test_a_linked_class_folder(tree, tmp_path_factory, picture):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    picture(elsewhere / "dürer_hare.jpg")
    (tree / "Linked").symlink_to(elsewhere)
    class_names, records, _ = find_records(tree)
    assert "Linked" in class_names
    assert ("Linked/dürer_hare.jpg", "dürer") in [
        (r.key, r.group) for r in records
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
def test_names_that_are_not_utf8_stay_printable(tree, picture):
    source = picture(tree / "Rococo" / "z.jpg").read_bytes()
    with open(os.fsencode(tree / "Rococo") + b"/andr\xe9_x.jpg", "wb") as file:
        file.write(source)
    _, records, _ = find_records(tree)
    odd = next(r for r in records if "andr" in r.key)
    assert odd.key == r"Rococo/andr\xe9_x.jpg" and odd.group == r"andr\xe9"
    assert odd.key.encode("utf-8")
    assert os.path.getsize(odd.path) == len(source)


def test_names_of_right_to_left_scripts_stay_as_they_are(tree, picture):
    """With their marks of direction; control characters are escaped."""
    for name in ("\u200fעברית (1)", "\u2067فن\u2069"):
        picture(tree / name / "\u200fא_1.jpg")
    picture(tree / "a\x1bb" / "1.jpg")
    class_names, records, _ = find_records(tree)
    assert {"\u200fעברית (1)", "\u2067فن\u2069", r"a\x1bb"} <= {*class_names}
    keys = {record.key for record in records}
    assert "\u200fעברית (1)/\u200fא_1.jpg" in keys


def test_artist():
    assert artist("claude-monet_haystacks_2.jpg") == "claude-monet"
    assert artist("haystacks.jpg") == artist("_haystacks.jpg") == ""


def test_errors(tmp_path, picture):
    with pytest.raises(ValueError, match="does not exist"):
        find_records(tmp_path / "absent")
    with pytest.raises(ValueError, match="nothing, it is empty"):
        find_records(tmp_path)
    (tmp_path / "all.zip").write_bytes(b"x")
    with pytest.raises(ValueError, match="extract all.zip there first"):
        find_records(tmp_path)
    picture(tmp_path / "One" / "a.jpg")
    (tmp_path / "Empty").mkdir()
    with pytest.raises(ValueError, match=r"two classes.*One.*Empty"):
        find_records(tmp_path)


@pytest.mark.parametrize("name", ["more", "more.jpg"])
def test_links_to_folders_are_told(tree, tmp_path_factory, picture, name):
    """Whatever their names; and nothing in them is taken."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    picture(elsewhere / "dürer_hare.jpg")
    (tree / "Rococo" / name).symlink_to(elsewhere)
    (tree / "Rococo" / ".hidden").symlink_to(elsewhere)
    _, records, skipped = find_records(tree)
    assert len(records) == 5
    reason = "a link to a folder, not followed"
    assert skipped == [Skipped(f"Rococo/{name}", reason)]


def test_a_link_to_an_image_is_one(tree):
    (tree / "Rococo" / "z.jpg").symlink_to(tree / "_Naive" / "_odd name.jpg")
    _, records, skipped = find_records(tree)
    assert "Rococo/z.jpg" in [r.key for r in records] and skipped == []


@pytest.mark.parametrize("key", ["Rococo", "Rococo/deep/er"])
def test_a_folder_that_cannot_be_read_is_no_empty_one(tree, monkeypatch, key):
    forbid(monkeypatch, tree / key)
    with pytest.raises(PermissionError, match=f"can be read.*Fix.*{key}"):
        find_records(tree)


@pytest.mark.parametrize("suffix", ["avif", "jp2"])
def test_formats_that_pillow_decodes(suffix, tmp_path):
    feature = {"avif": "avif", "jp2": "jpg_2000"}[suffix]
    if not features.check(feature):
        pytest.skip(f"this Pillow has no {feature}")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        image = Image.new("RGB", (20, 30), (200, 10, 10))
        image.save(tmp_path / name / f"x.{suffix}")
    names, records, skipped = find_records(tmp_path)
    assert (names, len(records), skipped) == (["a", "b"], 2, [])
    pixels = read_image(records[0].path)
    assert pixels.shape == (30, 20, 3)
    assert abs(pixels.mean((0, 1)) - (200, 10, 10)).max() < 12


def test_a_class_that_vanishes_is_told_first(tree):
    """Its pictures are of a format that is not read here."""
    (tree / "Cubism").mkdir()
    for index in range(3):
        (tree / "Cubism" / f"{index}.HEIC").write_bytes(b"x")
    (tree / "Cubism" / "raw.nef").write_bytes(b"x")
    names, _, skipped = find_records(tree)
    assert "Cubism" not in names
    assert skipped[0].key == "Cubism"
    assert "that can be read (but 3 .heic, 1 .nef)" in skipped[0].reason
    reasons = {item.key: item.reason for item in skipped}
    assert "pip install pillow-heif" in reasons["Cubism/0.HEIC"]
    assert "convert it" in reasons["Cubism/raw.nef"]
    findings = examine(tree).findings
    assert len(findings["unread"]) == 4
    assert findings["empty_classes"] == ["Cubism"]


def test_one_class_left_of_two_says_what_the_other_holds(tmp_path, picture):
    picture(tmp_path / "a" / "x.png")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.heic").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"b that can be read \(but 1 .heic"):
        find_records(tmp_path)
