import json
import os
import shutil
import unicodedata

import pytest
from PIL import Image

from keras_artkd.datasets import load
from keras_artkd.datasets.folder import find_records
from keras_artkd.datasets.records import read_records
from keras_artkd.doctor import examine
from keras_artkd.doctor.text import describe
from tests.doctor.pictures import make_healthy, paint, save


def names(items):
    return [item["file"] for item in items]


def groups(items):
    return [names(item["files"]) for item in items]


def found(diagnosis):
    return [kind for kind, items in diagnosis.findings.items() if items]


@pytest.fixture
def root(tmp_path):
    return make_healthy(tmp_path / "images")


def test_a_healthy_folder(root):
    diagnosis = examine(root)
    assert diagnosis.healthy and found(diagnosis) == []
    assert diagnosis.exclusions == {}
    assert diagnosis.images == 8 and diagnosis.imbalance == 1
    assert diagnosis.classes == [
        {"class": name, "images": 4, "usable": 4}
        for name in ("Baroque", "Rococo")
    ]
    few = [{"class": name, "usable": 4} for name in ("Baroque", "Rococo")]
    assert diagnosis.notes["few_images"] == few
    lines = describe(diagnosis)
    assert "nothing found" in lines
    classes = ["Images of each class (2)", "       4  Baroque"]
    assert lines[-3:] == [*classes, "       4  Rococo"]


def test_images_without_labels_are_no_class(root):
    shutil.copytree(root / "Rococo", root / "Unlabelled")
    diagnosis = examine(root)
    assert diagnosis.healthy and diagnosis.images == 8
    assert diagnosis.notes["ignored"] == [
        {"file": "Unlabelled", "reason": "images without labels"}
    ]


def test_unreadable_files(root):
    whole = (root / "Rococo" / "0.png").read_bytes()
    (root / "Rococo" / "cut.png").write_bytes(whole[:500])
    (root / "Baroque" / "empty.jpg").touch()
    diagnosis = examine(root)
    assert found(diagnosis) == ["unreadable"]
    reasons = {
        item["file"]: item["reason"]
        for item in diagnosis.findings["unreadable"]
    }
    assert list(reasons) == ["Baroque/empty.jpg", "Rococo/cut.png"]
    assert "empty file" in reasons["Baroque/empty.jpg"]
    assert set(diagnosis.exclusions) == set(reasons)
    assert [row["images"] for row in diagnosis.classes] == [5, 5]
    assert [row["usable"] for row in diagnosis.classes] == [4, 4]


def test_exact_duplicates_in_a_class(root):
    shutil.copy(root / "Rococo" / "1.png", root / "Rococo" / "again.png")
    save(paint(0), root / "Baroque" / "0.bmp")
    diagnosis = examine(root)
    assert found(diagnosis) == ["exact_duplicates"]
    pixels, files = diagnosis.findings["exact_duplicates"]
    assert groups([pixels]) == [["Baroque/0.bmp", "Baroque/0.png"]]
    assert groups([files]) == [["Rococo/1.png", "Rococo/again.png"]]
    assert files["identical_files"] and not pixels["identical_files"]
    assert diagnosis.exclusions == {
        "Baroque/0.png": "same picture as Baroque/0.bmp",
        "Rococo/again.png": "same picture as Rococo/1.png",
    }


def test_what_is_exact_is_decided_as_training_does(root):
    """One level of one pixel is lost at 9 pixels and is there at 72."""
    image = paint(20, (72, 72))
    save(image, root / "Rococo" / "one.png")
    red, green, blue = image.getpixel((30, 30))
    image.putpixel((30, 30), (red ^ 1, green, blue))
    save(image, root / "Rococo" / "two.png")
    for short_side, kind in ((9, "exact_duplicates"), (72, "near_duplicates")):
        diagnosis = examine(root, short_side)
        assert found(diagnosis) == [kind]
        loaded = load("folder", data_dir=root, short_side=short_side)
        skipped = [item.key for item in loaded.skipped]
        assert skipped == ["Rococo/two.png"] * (kind == "exact_duplicates")


def test_label_conflicts_exact_and_near(root):
    shutil.copy(root / "Rococo" / "0.png", root / "Baroque" / "exact.png")
    save(paint(1, (60, 50)), root / "Rococo" / "near.jpg", quality=80)
    diagnosis = examine(root, min_side=0)
    assert found(diagnosis) == ["label_conflicts", "near_conflicts"]
    (exact,) = diagnosis.findings["label_conflicts"]
    (near,) = diagnosis.findings["near_conflicts"]
    assert groups([exact, near]) == [
        ["Baroque/exact.png", "Rococo/0.png"],
        ["Baroque/1.png", "Rococo/near.jpg"],
    ]
    assert exact["identical_files"] and 0.93 <= near["similarity"] <= 1
    # Of what is only nearly the same, both may be right.
    assert diagnosis.exclusions == {
        "Baroque/exact.png": "same picture as Rococo/0.png of another class",
        "Rococo/0.png": "same picture as Baroque/exact.png of another class",
    }


def test_of_near_duplicates_the_largest_stays(root):
    """Copies of copies are one group; exact ones are told by themselves."""
    save(paint(2, (240, 200)), root / "Baroque" / "large.png")
    save(paint(2, (60, 50)), root / "Baroque" / "small.jpg", quality=70)
    shutil.copy(root / "Baroque" / "2.png", root / "Baroque" / "same.png")
    diagnosis = examine(root, min_side=0)
    assert found(diagnosis) == ["exact_duplicates", "near_duplicates"]
    assert groups(diagnosis.findings["near_duplicates"]) == [
        [f"Baroque/{name}" for name in names]
        for names in [("large.png", "2.png", "same.png", "small.jpg")]
    ]
    assert groups(diagnosis.findings["exact_duplicates"]) == [
        ["Baroque/2.png", "Baroque/same.png"]
    ]
    assert diagnosis.findings["exact_duplicates"][0]["identical_files"]
    near = "nearly the same picture as Baroque/large.png"
    assert diagnosis.exclusions == {
        "Baroque/2.png": near,
        "Baroque/same.png": "same picture as Baroque/2.png",
        "Baroque/small.jpg": near,
    }


def test_an_exact_conflict_is_one_whatever_else_is_near(root):
    shutil.copy(root / "Rococo" / "0.png", root / "Baroque" / "exact.png")
    with Image.open(root / "Rococo" / "0.png") as image:
        image.convert("RGB").resize((60, 50)).save(
            root / "Baroque" / "small.jpg", quality=70
        )
    diagnosis = examine(root, min_side=0)
    exact = ["Baroque/exact.png", "Rococo/0.png"]
    assert groups(diagnosis.findings["label_conflicts"]) == [exact]
    assert groups(diagnosis.findings["near_conflicts"]) == [
        [*exact, "Baroque/small.jpg"]
    ]
    # The near copy is now the only one, and stays.
    assert diagnosis.exclusions == {
        "Baroque/exact.png": "same picture as Rococo/0.png of another class",
        "Rococo/0.png": "same picture as Baroque/exact.png of another class",
    }


def test_of_exact_copies_the_first_stays_whatever_else_is_near(root):
    """Bytes do not count between them, beside a near copy or without."""
    save(paint(2), root / "Baroque" / "z.bmp")
    for near in (False, True):
        if near:
            save(paint(2, (60, 50)), root / "Baroque" / "small.jpg")
        diagnosis = examine(root, min_side=0)
        (exact,) = groups(diagnosis.findings["exact_duplicates"])
        assert exact == ["Baroque/2.png", "Baroque/z.bmp"]
        assert diagnosis.exclusions["Baroque/z.bmp"] == (
            "same picture as Baroque/2.png"
        )
        assert "Baroque/2.png" not in diagnosis.exclusions


def test_exact_copies_are_those_of_the_loader(root):
    """With near copies or none, in a class, across classes, and both."""
    for source, copy in (
        ("Baroque/0.png", "Baroque/0copy.png"),
        ("Baroque/1.png", "Rococo/1copy.png"),
        ("Baroque/2.png", "Baroque/2copy.png"),
        ("Baroque/2.png", "Rococo/2copy.png"),
        ("Rococo/0.png", "Rococo/0copy.png"),
    ):
        shutil.copy(root / source, root / copy)
    save(paint(0, (60, 50)), root / "Baroque" / "0small.jpg")
    save(paint(1, (60, 50)), root / "Rococo" / "1small.jpg")
    save(paint(2, (60, 50)), root / "Baroque" / "2small.jpg")
    findings = examine(root, min_side=0).findings
    exact = list(findings["label_conflicts"])
    assert len(exact) == len(findings["near_conflicts"]) == 2
    near = findings["near_duplicates"]
    assert groups(near) == [
        [f"Baroque/0{end}" for end in (".png", "copy.png", "small.jpg")]
    ]

    _, records, _ = find_records(root)
    *_, skipped = read_records(records, 72)
    told = {}
    for item in skipped:
        first = item.reason.rpartition("same picture as ")[2]
        told.setdefault(first, {first}).add(item.key)
    exact += findings["exact_duplicates"]
    assert sorted(sorted(group) for group in groups(exact)) == sorted(
        sorted(group) for group in told.values()
    )
    assert len(told) == 4


def test_links_to_folders_are_told(root, tmp_path):
    elsewhere = make_healthy(tmp_path / "elsewhere")
    (root / "Rococo" / "more.jpg").symlink_to(elsewhere)
    diagnosis = examine(root)
    assert diagnosis.healthy and diagnosis.images == 8
    assert diagnosis.notes["ignored"] == [
        {
            "file": "Rococo/more.jpg",
            "reason": "a link to a folder, not followed",
        }
    ]


def test_sizes(root):
    save(paint(30, (63, 90)), root / "Rococo" / "tiny.png")
    save(paint(31, (300, 100)), root / "Rococo" / "wide.png")
    save(Image.new("RGB", (70, 70), "teal"), root / "Rococo" / "plain.png")
    diagnosis = examine(root)
    assert found(diagnosis) == ["tiny"]
    assert diagnosis.findings["tiny"] == [
        {
            "file": "Rococo/tiny.png",
            "class": "Rococo",
            "width": 63,
            "height": 90,
            "bytes": os.path.getsize(root / "Rococo" / "tiny.png"),
        }
    ]
    assert names(diagnosis.notes["elongated"]) == ["Rococo/wide.png"]
    assert names(diagnosis.notes["plain"]) == ["Rococo/plain.png"]
    assert diagnosis.exclusions == {}
    assert examine(root, min_side=63).healthy


def test_classes_and_strays(root):
    (root / "Empty").mkdir()
    save(paint(40), root / "Two" / "a.png")
    save(paint(41), root / "Two" / "b.png")
    save(paint(41), root / "Two" / "c.png")
    save(paint(42), root / "Two" / "d", format="JPEG")
    (root / "Two" / "notes.txt").write_text("x")
    (root / "README.md").write_text("x")
    (root / ".DS_Store").write_text("x")
    diagnosis = examine(root)
    assert found(diagnosis) == [
        "exact_duplicates",
        "misnamed",
        "empty_classes",
        "small_classes",
    ]
    assert diagnosis.findings["misnamed"] == [
        {"file": "Two/d", "format": "JPEG"}
    ]
    assert diagnosis.findings["empty_classes"] == ["Empty"]
    assert diagnosis.findings["small_classes"] == [
        {"class": "Two", "usable": 2}
    ]
    assert diagnosis.imbalance == 2
    assert names(diagnosis.notes["ignored"]) == ["README.md", "Two/notes.txt"]


def test_class_names_that_look_the_same(tmp_path):
    composed, apart = (
        unicodedata.normalize(form, "Café") for form in ("NFC", "NFD")
    )
    classes = [composed, apart, "Rococo", "rococo", "Rococo ", "Baroque"]
    classes += ["עברית", "\u200fעברית"]
    for number, name in enumerate(classes):
        for index in range(20):
            picture = paint(100 * number + index)
            save(picture, tmp_path / name / f"{index}.png")
    diagnosis = examine(tmp_path)
    assert {*map(frozenset, diagnosis.findings["look_alike_classes"])} == {
        frozenset({composed, apart}),
        frozenset({"Rococo", "rococo", "Rococo "}),
        frozenset({"עברית", "\u200fעברית"}),
    }
    text = "\n".join(describe(diagnosis))
    assert "of 4 characters" in text and "of 5 characters" in text
    assert "'Rococo ' of 7 characters" in text
    assert r"'\u200fעברית' of 6 characters" in text
    assert not diagnosis.healthy


def test_without_the_listed_files_a_folder_is_healthy(root, tmp_path):
    from keras_artkd.datasets.exclusions import write_exclusions

    for name in ("again.png", " odd\nname.png", "#1.png"):
        shutil.copy(root / "Rococo" / "1.png", root / "Rococo" / name)
    (root / "Rococo" / "empty.jpg").touch()
    before = examine(root)
    assert len(before.exclusions) == 4
    write_exclusions(tmp_path / "list", before.exclusions, "test")
    after = examine(root, exclude=tmp_path / "list")
    assert after.healthy and after.excluded == 4 and after.images == 8
    assert set(after.exclusions) == set(before.exclusions)


def test_the_document_is_json_and_complete(root):
    shutil.copy(root / "Rococo" / "1.png", root / "Baroque" / "x.png")
    document = examine(root).document()
    assert json.loads(json.dumps(document)) == document
    assert set(document) == {
        *("healthy", "data_dir", "short_side", "images", "excluded"),
        *("classes", "imbalance", "counts", "findings", "notes", "exclusions"),
    }
    assert document["counts"]["label_conflicts"] == 1
    assert document["healthy"] is False


def test_long_lists_are_cut_short(root):
    for i in range(14):
        (root / "Rococo" / f"bad{i:02d}.jpg").touch()
    for i in range(31):
        save(paint(50 + i), root / f"class{i:02d}" / "a.png")
    lines = describe(examine(root))
    shown = [line for line in lines if "empty file" in line]
    assert len(shown) == 10 and "  ... 4 more, --json has all" in lines
    start = lines.index("Images of each class (33)") + 1
    assert lines[start : start + 10] == [
        f"       1  class{i:02d}" for i in range(10)
    ]
    assert lines[start + 10 :] == ["  ... 23 more, --json has all"]


def test_no_picture_at_all(tmp_path):
    for name in ("One", "Two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").touch()
    diagnosis = examine(tmp_path)
    assert diagnosis.imbalance is None and len(diagnosis.exclusions) == 2
    assert describe(diagnosis)
    with pytest.raises(ValueError, match="does not exist"):
        examine(tmp_path / "absent")
