"""What counts as one picture, and what becomes of its copies."""

import pytest
from PIL import ImageOps

from keras_artkd.doctor import examine
from keras_artkd.doctor.text import describe
from tests.doctor.pictures import (
    lit,
    make_healthy,
    paint,
    save,
    shift,
    turn_hue,
)
from tests.doctor.test_diagnosis import found, groups


@pytest.fixture
def root(tmp_path):
    return make_healthy(tmp_path / "images")


def test_a_red_and_a_grey_green_monochrome_are_two_pictures(root):
    save(lit((190, 45, 40)), root / "Baroque" / "red.png")
    save(lit((118, 128, 112)), root / "Rococo" / "green.png")
    diagnosis = examine(root)
    assert diagnosis.healthy and diagnosis.exclusions == {}
    assert diagnosis.notes["plain"] == []


def test_a_copy_of_a_monochrome_is_one(root):
    save(lit((190, 45, 40)), root / "Baroque" / "red.png")
    again = shift(lit((190, 45, 40), size=(96, 80)), 3, 0, -3)
    save(again, root / "Rococo" / "again.jpg", quality=80)
    diagnosis = examine(root)
    assert groups(diagnosis.findings["near_conflicts"]) == [
        ["Baroque/red.png", "Rococo/again.jpg"]
    ]


def test_one_composition_in_other_colours_is_two_pictures(root):
    for number, degrees in enumerate((70, 140, 210, 280)):
        name = f"{number}.png"
        save(turn_hue(paint(1), degrees), root / "Rococo" / f"other{name}")
    assert examine(root).healthy


@pytest.mark.parametrize("other", ["Baroque", "Rococo"])
def test_mirror_images_are_named(root, other):
    mirrored = ImageOps.mirror(paint(1, (240, 200)))
    save(mirrored, root / other / "mirrored.jpg", quality=70)
    save(paint(1, (100, 90)), root / "Baroque" / "small.jpg", quality=70)
    diagnosis = examine(root)
    kind = "near_duplicates" if other == "Baroque" else "near_conflicts"
    assert found(diagnosis) == [kind]
    (group,) = diagnosis.findings[kind]
    assert {f["file"]: f["mirrored"] for f in group["files"]} == {
        f"{other}/mirrored.jpg": False,  # The largest comes first.
        "Baroque/1.png": True,
        "Baroque/small.jpg": True,
    }
    text = "\n".join(describe(diagnosis))
    assert "Baroque/1.png  (mirrored)\n" in text
    if other == "Baroque":
        reason = "mirror image of Baroque/mirrored.jpg"
        assert diagnosis.exclusions == {
            "Baroque/1.png": reason,
            "Baroque/small.jpg": reason,
        }


def test_what_is_nearly_the_same_in_two_classes_stays(root):
    """Of each class the best one; a person decides between them."""
    save(paint(1, (240, 200)), root / "Rococo" / "large.jpg", quality=80)
    save(paint(1, (100, 90)), root / "Rococo" / "small.jpg", quality=80)
    diagnosis = examine(root)
    assert found(diagnosis) == ["near_conflicts"]
    assert diagnosis.exclusions == {
        "Rococo/small.jpg": "nearly the same picture as Rococo/large.jpg"
    }
    text = "\n".join(describe(diagnosis))
    assert "two classes: look at these two (1)" in text
    assert "label is wrong" not in text


def test_only_equal_pixels_prove_a_wrong_label(root):
    save(paint(1), root / "Rococo" / "equal.bmp")
    diagnosis = examine(root)
    assert found(diagnosis) == ["label_conflicts"]
    assert {*diagnosis.exclusions} == {"Baroque/1.png", "Rococo/equal.bmp"}
    assert "one label is wrong (1)" in "\n".join(describe(diagnosis))
