import pytest

from keras_artkd.report.text import display_name, of_hundred, small_text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (1.24e-8, "1.2 × 10⁻⁸"),
        (9.4e-4, "9.4 × 10⁻⁴"),
        (9.99e-4, "0.001"),
        (0.043, "0.043"),
        (float("nan"), "nan"),
    ],
)
def test_tiny_numbers_are_told_by_their_power(value, words):
    assert small_text(value) == words


@pytest.mark.parametrize(
    "share, words",
    [
        (0.0, "0 of 100"),
        (0.004, "fewer than 1 of 100"),
        (0.806, "81 of 100"),
        (0.994, "99 of 100"),
        (0.996, "more than 99 of 100"),
        (1.0, "100 of 100"),
    ],
)
def test_none_or_all_is_said_only_where_it_is_so(share, words):
    assert of_hundred(share) == words


def test_a_name_cannot_turn_the_numbers_around():
    """Marks of direction would make "5 of 64" read "46 fo 5"."""
    assert display_name("a\u202eb\u2066c\u200f") == "abc"
    assert display_name("עברית 5") == "עברית 5"
