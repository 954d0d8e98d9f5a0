"""Flags are the fields of dataclasses; mistakes are told in one line."""

import pytest

from keras_artkd.cli.flags import parse_flags
from keras_artkd.runs.config import Config
from keras_artkd.runs.presets.folder import CONFIG


def parse(arguments, description="What it does."):
    return parse_flags(Config, CONFIG, "artkd it", description, arguments)


def test_flags_are_the_fields():
    """Without the names of their groups."""
    words = "--data-dir D --drops 0.1 0.2 --options beta 2 l2_teacher expert"
    config = parse(words.split())
    assert config.data.data_dir == "D"
    assert config.schedule.drops == (0.1, 0.2)
    assert config.teaching.options == {"beta": 2, "l2_teacher": "expert"}
    words = "--method kd --expert a.keras b --expert-shares 2 1"
    networks = parse(words.split()).networks
    assert networks.expert == ("a.keras", "b")
    assert networks.expert_shares == (2.0, 1.0)
    config = parse(
        ["--method", "ms_mgans", "--no-adversarial", "--augment", "sla"]
    )
    assert not config.teaching.adversarial
    assert config.augmentation.augment == ("sla",)
    assert parse([]) == CONFIG


def test_options_go_over_those_of_the_default():
    """Their flags are the same whether the default has some or none."""
    default = CONFIG.replace(data_options={"scenes": 160, "x": "a b"})
    words = ["--data-options", "scenes", "8", "rate", "1e-3", "y", "c d"]
    for kind in (CONFIG, default):
        config = parse_flags(Config, kind, "artkd it", "", words)
        assert config.data.data_options == {
            "scenes": 8,
            "rate": 0.001,
            "y": "c d",
        }
    assert parse_flags(Config, default, "artkd it", "", []) == default


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mehtod", "kd"], "--mehtod, kd. Perhaps you meant --method"),
        (["--method", "karate"], "`method` must be one of .*baseline,"),
        (["--epochs", "many"], "--epochs: invalid literal.*'many'"),
        (["--head", "x"], r"'x' for argument '--head'.*'awgram'"),
        (["--data-dir"], "Missing value for argument '--data-dir'"),
        (["--drops", "0.5", "0.2"], r"Received: drops=\(0.5, 0.2\)"),
        (["--augment", "sla", "sla"], "each augmentation once"),
        (["--options", "beta"], "--options: each name must.*Received: beta"),
        (["--options", "beta", "2", "gamma"], "beta 2 gamma. Fix: NAME VALUE"),
        (["--data-options", "group", "--seed", "1"], "--data-options: each"),
        (["--workdir", "x" * 300, "--epochs=-1"], "Received: epochs=-1"),
    ],
)
def test_mistakes(arguments, message, capsys):
    with pytest.raises(ValueError, match=message) as caught:
        parse(arguments)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("(see --help)")
    assert capsys.readouterr().err == ""


def test_help(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(["--help"])
    assert stop.value.code == 0
    output = capsys.readouterr().out
    assert "usage: artkd it" in output and "What it does." in output
    assert "--weight-decay" in output and "--schedule" not in output
