"""`artkd methods` tells of every method what its code says."""

import re

import pytest

from keras_artkd.catalogue.methods import METHODS
from keras_artkd.cli.main import main


def said(capsys, *arguments):
    assert main(["methods", *arguments]) == 0
    output = capsys.readouterr().out
    assert max(map(len, output.splitlines())) <= 80
    return output


def test_every_method_in_brief(capsys):
    output = said(capsys)
    assert re.findall(r"(?m)^(\w+) +\S", output.partition("\n\n")[0]) == [
        *METHODS
    ]
    entries = re.split(r"\n(?=\S)", output)
    words = {entry.split()[0]: " ".join(entry.split()) for entry in entries}
    assert words["baseline"] == (
        "baseline The student alone: L(y, S). teachers: none options: none"
    )
    assert words["kd"] == (
        "kd (1 - alpha) L(y, S) + alpha T^2 KL(expert || S). "
        "teachers: expert, trained before options: temperature 4, alpha 0.9"
    )
    assert "teachers: initial, trained along" in words["rocket"]
    assert (
        "teachers: expert, trained before; initial, trained along"
        in words["collaborative"]
    )
    # No line ends between an option and its default.
    for entry in entries:
        for line in entry.partition("options: ")[2].splitlines():
            assert not line.endswith(tuple(METHODS["ctkd"].options))


@pytest.mark.parametrize("name", METHODS)
def test_every_option_is_explained(name, capsys):
    options = METHODS[name].options
    lines = said(capsys, name).splitlines()
    for option, default in options.items():
        value = default if isinstance(default, str) else f"{default:g}"
        place = lines.index(f"{option} {value}")
        assert re.match(r"    \S", lines[place + 1])
    assert lines[0].startswith(f"{name}: ")
    assert ("Options: none." in lines) == (not options)


def test_a_method_that_mixes_its_images_says_so(capsys):
    said_of = said(capsys, "function_matching")
    assert "Every batch is mixed (Mixup, alpha 1)." in said_of
    assert "mixed" not in said(capsys, "kd")


def test_what_an_explanation_refers_to_is_there(capsys):
    words = " ".join(said(capsys, "collaborative").split())
    assert (
        "attention_norm l2 see keras_artkd.losses.attention_transfer. There: "
        '"l2" (default), the un-squared Euclidean distance' in words
    )
    words = " ".join(said(capsys, "pr_dkd").split())
    assert "see dkd," in words and "There: float > 0, epochs in which" in words


def test_joined_methods_have_their_names_before_the_options(capsys):
    output = said(capsys, "kd+skdsam")
    assert "\nkd.temperature 4\n    float > 0, T.\n" in output
    assert "\nskdsam.temperature 4\n    float > 0, T, of the pred" in output
    assert output.count("Reference: ") == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("skdsma", "Perhaps you meant skdsam"),
        ("kd+kd", "different ones joined"),
        ("ddgsd+cs_kd", "same views of an image"),
    ],
)
def test_unknown_names_are_one_line(name, message, capsys):
    assert main(["methods", name]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ") and output.err.count("\n") == 1
    assert message in output.err
