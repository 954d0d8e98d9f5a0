import numpy as np
import pytest

from keras_artkd.report.gallery import (
    PAIR_IMAGES,
    PAIRS_IMAGES,
    choose_attention_rows,
    choose_rows,
    find_confusions,
    find_taken_for,
)


def answers(pairs):
    """Labels and logits of (true, predicted, confidence margin)."""
    labels = np.array([true for true, _, _ in pairs])
    logits = np.zeros((len(pairs), 3))
    for row, (_, predicted, margin) in enumerate(pairs):
        logits[row, predicted] = margin
    return labels, logits


def test_confusions_come_by_frequency_with_the_surest_images_first():
    labels, logits = answers(
        [
            (0, 1, 1.0),  # 0
            (0, 1, 3.0),  # 1
            (0, 1, 2.0),  # 2
            (0, 1, 0.5),  # 3
            (2, 0, 1.0),  # 4
            (1, 1, 1.0),  # 5
            (1, 1, 2.0),  # 6
            (2, 2, 1.0),  # 7
        ]
    )
    first, second = find_confusions(labels, logits)
    assert (first.true, first.predicted, first.count) == (0, 1, 4)
    assert first.rows == [1, 2, 0]
    assert first.typical_predicted == [6, 5]
    assert first.typical_true == []
    assert (second.true, second.predicted, second.count) == (2, 0, 1)
    assert second.typical_predicted == []
    assert second.typical_true == [7]


def test_of_equally_frequent_confusions_the_smaller_class_comes_first():
    labels, logits = answers([(0, 1, 1), (0, 0, 1), (2, 1, 1)])
    assert [c.true for c in find_confusions(labels, logits)] == [2, 0]


def test_attention_shows_right_and_wrong_of_many_classes():
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 10, 300)
    logits = chance.normal(size=(300, 10))
    logits[np.arange(300), labels] += 1
    rows = choose_attention_rows(labels, logits)
    right = logits[rows].argmax(1) == labels[rows]
    assert len({*rows}) == 6
    assert right.sum() == 3
    assert len({*labels[rows]}) == 6


@pytest.mark.parametrize("images", [1, 2, 5, 200])
@pytest.mark.parametrize("classes", [1, 2, 17])
@pytest.mark.parametrize("skill", [0.0, 100.0])
def test_rows_are_sorted_distinct_and_complete(images, classes, skill):
    chance = np.random.default_rng(images)
    labels = chance.integers(0, classes, images).astype("int32")
    logits = chance.normal(size=(images, classes)).astype("float32")
    logits[np.arange(images), labels] += skill
    rows = choose_rows(labels, logits)
    assert rows == sorted({*rows})
    assert all(type(row) is int and 0 <= row < images for row in rows)
    assert {*choose_attention_rows(labels, logits)} <= {*rows}
    for confusion in find_confusions(labels, logits):
        assert {*confusion.rows, *confusion.typical_predicted} <= {*rows}
    if skill:
        assert not find_confusions(labels, logits)
        assert len(rows) == min(6, images)


def test_mistakes_of_every_pair_are_kept_up_to_a_bound():
    """The surest of each; where there are too many, the commonest pairs."""
    pairs = [(2, 1, 1.0 + i) for i in range(9)] + [(0, 2, 1.0), (1, 0, 1.0)]
    labels, logits = answers(pairs)
    assert find_taken_for(labels, logits, 2, 1) == [*range(8, -1, -1)]
    assert find_taken_for(labels, logits, 1, 2) == []
    surest = {*find_taken_for(labels, logits, 2, 1)[:PAIR_IMAGES]}
    assert {*choose_rows(labels, logits)} >= surest | {9, 10}

    classes = 40
    labels = np.repeat(np.arange(classes), 50)
    # Classes of small numbers are confused most, and always with the next.
    wrong = np.tile(np.arange(50), classes) < 45 - labels
    logits = 5.0 * np.eye(classes)[(labels + wrong) % classes]
    rows = np.array(choose_rows(labels, logits))
    kept = rows[wrong[rows]]
    common = np.bincount(labels[kept], minlength=classes)
    assert (common[: PAIRS_IMAGES // PAIR_IMAGES] >= PAIR_IMAGES).all()
    assert PAIRS_IMAGES <= len(kept) <= PAIRS_IMAGES + 30
