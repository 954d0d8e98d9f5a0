"""Samples are the loader's images, through the training's own pipeline."""

import numpy as np
import pytest

from keras_artkd import datasets
from keras_artkd.data.augment import GREY
from keras_artkd.data.images import centre_square
from keras_artkd.data.stream import ImageStream
from keras_artkd.runs.samples import (
    _choose,
    augmented,
    draw_augmented,
    draw_classes,
)
from tests.images import write_folder
from tests.runs.settings import small_plan

CLASSES = ("blue_sky", "green")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("images") / "x", 8, CLASSES)


def loaded(folder, method="baseline", **changes):
    """A plan of the folder, and its images."""
    plan = small_plan("folder", data_dir=str(folder), method=method, **changes)
    return plan, datasets.load(**plan.load_arguments)


def centres(data):
    """What an image is without crops at random."""
    store = data.train
    return np.stack(
        [centre_square(store.image(i), 16) for i in range(len(store))]
    )


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_a_row_has_training_images_of_its_class(folder):
    _, data = loaded(folder)
    count = len(data.train) // 2
    figure = draw_classes(data, 3, seed=0)
    assert texts(figure) == [f"blue sky ({count})", f"green ({count})"]
    strips = [axes.images[0].get_array() for axes in figure.axes]
    for strip, channel in zip(strips, (2, 1), strict=True):
        assert strip.shape == (160, 3 * 160, 3)
        # The middle of each picture: beside it is paper.
        middles = strip[60:100].reshape(40, 3, 160, 3)[:, :, 60:100]
        means = middles.astype("float64").mean((0, 2))
        assert (means.argmax(axis=1) == channel).all()
    other = draw_classes(data, 3, seed=1)
    assert (other.axes[0].images[0].get_array() != strips[0]).any()


def test_a_class_of_few_images_leaves_a_gap(folder):
    _, data = loaded(folder)
    figure = draw_classes(data, 20, seed=0)
    strip = figure.axes[0].images[0].get_array()
    assert strip.shape[1] == 20 * 160
    assert len(np.unique(strip[:, len(data.train) // 2 * 160 :])) == 1


def test_each_draw_is_of_its_own_image(folder):
    plan, data = loaded(folder, crop_and_mirror=False)
    draws = [*augmented(plan, data, 2)]
    assert len(draws) == 2
    for drawn in draws:
        np.testing.assert_array_equal(drawn.views[:, 0], centres(data))
        assert drawn.views.shape[1] == 1 and (drawn.shares == 1).all()


def test_crops_are_drawn_anew(folder):
    plan, data = loaded(folder)
    first, second = augmented(plan, data, 2)
    assert (first.views != second.views).any()
    # Mirrored or not, a crop is a part of its image.
    for image, views in enumerate(first.views):
        whole = data.train.image(image)
        parts = np.lib.stride_tricks.sliding_window_view(whole, (16, 16, 3))
        parts = parts.reshape(-1, 16, 16, 3)
        mirrored = views[0][:, ::-1]
        assert any(
            (parts == view).all((1, 2, 3)).any()
            for view in (views[0], mirrored)
        )


def test_cutout_is_the_training_s(folder):
    plan, data = loaded(
        folder, crop_and_mirror=False, augment=("cutout",), cutout_side=6
    )
    (drawn,) = augmented(plan, data, 1)
    changed = (drawn.views[:, 0] != centres(data)).any(axis=-1)
    assert changed.any((1, 2)).all() and changed.sum((1, 2)).max() <= 36
    assert (drawn.views[:, 0][changed] == round(GREY)).all()


@pytest.mark.parametrize(
    "changes", [{"augment": ("sla",)}, {"method": "sla_sd"}]
)
def test_rotations_are_side_by_side(folder, changes):
    plan, data = loaded(folder, crop_and_mirror=False, **changes)
    (drawn,) = augmented(plan, data, 1)
    for turn in range(4):
        np.testing.assert_array_equal(
            drawn.views[:, turn], np.rot90(centres(data), turn, (1, 2))
        )
    figure = draw_augmented(plan, data, 2)
    headings = ["original", "draw 1, 0°", "90°", "180°", "270°"]
    assert texts(figure)[2:] == headings


def test_mixed_images_say_how_much_is_their_own(folder):
    plan, data = loaded(
        folder, crop_and_mirror=False, augment=("mixup",), mixup_alpha=5.0
    )
    (drawn,) = augmented(plan, data, 1)
    share, whole = drawn.shares.min(), centres(data).astype("float64")
    assert 0.5 < share < 1
    for image, views in enumerate(drawn.views):
        mixed = share * whole[image] + (1 - share) * whole
        gaps = np.abs(mixed - views[0]).max((1, 2, 3))
        assert gaps.min() <= 0.51
    figure = draw_augmented(plan, data, 2)
    assert any(
        "draw 1, " in text and text.endswith("%") for text in texts(figure)
    )


def test_pairs_are_shown_with_the_partner(folder):
    plan, data = loaded(folder, method="cs_kd", crop_and_mirror=False)
    figure = draw_augmented(plan, data, 4)
    classes, headings = texts(figure)[:4], texts(figure)[4:]
    assert classes[0] == classes[1] != classes[2] == classes[3]
    assert headings[:3] == ["original", "draw 1", "of its class"]
    strips = [axes.images[0].get_array() for axes in figure.axes]
    first, second = (strip.reshape(160, -1, 160, 3) for strip in strips[:2])
    np.testing.assert_array_equal(first[:, 2], second[:, 1])


def test_images_are_of_as_many_classes_as_there_are():
    labels = np.repeat([0, 1, 2], [5, 1, 3])
    assert sorted(labels[_choose(labels, 3, 1, seed=0)]) == [0, 1, 2]
    assert sorted(labels[_choose(labels, 5, 2, seed=0)]) == [0, 0, 1, 2, 2]
    assert sorted(_choose(labels, 99, 1, seed=0)) == [*range(9)]


def test_images_on_disk_are_not_augmented(folder):
    plan, data = loaded(folder)
    empty = np.empty(0)
    stream = ImageStream(empty, 16, *[empty] * 5)
    object.__setattr__(data, "train", stream)
    with pytest.raises(ValueError, match="Fix: leave out --augmented"):
        draw_augmented(plan, data, 2)
