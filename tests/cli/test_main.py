"""`artkd` finds its commands, and answers at once."""

import errno
import subprocess
import sys
import types

import pytest

from keras_artkd.cli import main as program
from keras_artkd.cli.main import COMMANDS, main
from keras_artkd.cli.status import exit_status

WITHOUT_LIBRARIES = """
import sys
for name in ("numpy", "PIL", "keras", "tensorflow", "matplotlib"):
    sys.modules[name] = None
from keras_artkd.cli.main import main
for words in (["predict"], ["evaluate"], ["doctor"], ["methods"], []):
    try:
        main([*words, "--help"])
    except SystemExit as stop:
        assert stop.code == 0
"""


def test_help_needs_no_library():
    """Not even NumPy: it answers at once."""
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBRARIES],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("usage: artkd") == 5


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    try:
        status = main([command, "--help"])
    except SystemExit as stop:
        status = stop.code
    assert status == 0
    assert capsys.readouterr().out.startswith(f"usage: artkd {command}")


def test_a_command_may_read_its_words_itself(monkeypatch, capsys):
    def fail(words):
        raise ValueError(f"`words` must\nbe others. Received: {words}.")

    def use(module):
        monkeypatch.setattr(
            program.importlib, "import_module", lambda name: module
        )

    use(types.SimpleNamespace(main=lambda words: len(words)))
    assert main(["train", "--epochs", "3"]) == 2
    use(types.SimpleNamespace(main=fail))
    assert main(["train", "x"]) == 2
    error = capsys.readouterr().err
    assert error == "error: `words` must be others. Received: ['x'].\n"


def test_unknown_command(failing):
    error = failing("predicct")
    assert "predict" in error and "doctor" in error


def test_no_command_is_help(capsys):
    assert main([]) == 2
    output = capsys.readouterr().out
    assert all(f"\n  {command} " in output for command in COMMANDS)


def test_a_missing_file_is_named(finished, failing):
    error = failing(
        "predict", finished / "student.tflite", "--files-from", "nowhere"
    )
    assert error == "error: There is no file nowhere. Fix: check the path.\n"


def test_an_empty_name_is_told(finished, failing):
    """As of a shell's variable that is not set, which would mean all of `.`."""
    assert "Received: an empty one" in failing("train", "")
    model = finished / "student.tflite"
    assert "Received: an empty one" in failing("predict", model, "a.jpg", "")


@pytest.mark.parametrize("name", ["a run", None])
def test_a_full_disk_is_told(name, capsys):
    def write():
        raise OSError(errno.ENOSPC, "No space left on device", name)

    assert exit_status(write) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        f"error: The disk is full{' at a run' * bool(name)}."
    )
    assert "--resume" in error
