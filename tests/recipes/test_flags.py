"""Mistakes on the command line are told in one line."""

import dataclasses
import pathlib
import shlex

import pytest

from recipes.config import Config
from recipes.flags import parse_flags
from recipes.folder import CONFIG


def test_flags_are_the_fields():
    config = parse_flags(
        Config,
        CONFIG,
        "",
        ["--data-dir", "D", "--drops", "0.1", "0.2", "--options", "beta", "2"],
    )
    assert (config.data_dir, config.drops) == ("D", (0.1, 0.2))
    assert config.options == {"beta": 2}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mehtod", "kd"], "--mehtod, kd. Perhaps you meant --method"),
        (["--method", "karate"], "`method` must be one of baseline, kd"),
        (["--epochs", "many"], "--epochs: invalid literal.*'many'"),
        (["--head", "x"], r"'x' for argument '--head'.*'awgram'"),
        (["--data-dir"], "Missing value for argument '--data-dir'"),
        (["--drops", "0.5", "0.2"], r"Received: drops=\(0.5, 0.2\)"),
        (["--options", "beta"], "`--options` must.*Fix: --options NAME VALUE"),
        (["--options", "beta", "2", "gamma"], "a name without one"),
        (["--data-options", "group", "--seed", "1"], "`--data-options` must"),
        (["--workdir", "x" * 300, "--epochs", "0"], "Received: epochs=0"),
    ],
)
def test_mistakes(arguments, message, capsys):
    with pytest.raises(ValueError, match=message) as caught:
        parse_flags(Config, CONFIG, "", arguments)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("(see --help)")
    assert capsys.readouterr().err == ""


def test_an_exclude_list_is_the_same_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative, absolute = (
        dataclasses.replace(
            CONFIG, data_dir="d", data_options={"exclude": path}
        )
        for path in ("x.txt", str(tmp_path / "x.txt"))
    )
    assert relative.identity() == absolute.identity()
    assert relative.load_arguments() == absolute.load_arguments()
    assert relative.load_arguments()["exclude"] == str(tmp_path / "x.txt")


def test_help(capsys):
    with pytest.raises(SystemExit) as stop:
        parse_flags(Config, CONFIG, "What it does.", ["--help"])
    assert stop.value.code == 0
    output = capsys.readouterr().out
    assert "What it does." in output and "--weight-decay" in output


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"data_dir": "a folder/with 'quotes'", "limit": 5, "method": "kd"},
        {"options": {"temperature": 2.5}, "method": "kd", "drops": (0.5,)},
        {"data_options": {"exclude": "x.txt"}, "expert": "e.keras"},
        {
            "precision": "mixed_bfloat16",
            "licence": "CC BY 4.0",
            "seed": 7,
            "workdir": "w",
        },
    ],
)
def test_the_command_gives_the_configuration_again(changes):
    config = dataclasses.replace(CONFIG, **changes)
    program, *arguments = shlex.split(config.command())[2:]
    assert program == "recipes.folder"
    again = parse_flags(Config, CONFIG, "", arguments)
    assert again.identity() == config.identity()
    assert (again.workdir, again.licence) == (config.workdir, config.licence)
    if config.data_dir is not None:
        # From any folder.
        assert pathlib.Path(again.data_dir).is_absolute()
