"""Output of commands: a reader that stops, as `head` does, is no error."""

import json
import os
import subprocess
import sys
import warnings

import pytest

from keras_artkd.cli.status import exit_status
from keras_artkd.layers import AWGram
from keras_artkd.output import (
    TURNS,
    escaped,
    native_output_held,
    on_one_line,
    quiet,
)

ARTKD = """
from keras_artkd.cli.main import main

raise SystemExit(main(sys.argv[1:]))
"""
RECIPE = """
from keras_artkd.cli.train import run_recipe

raise SystemExit(run_recipe("folder", sys.argv[1:]))
"""


def run_without_a_reader(program, *arguments, buffered=True):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, "-c", f"import sys\n{program}", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"},
        )
    finally:
        os.close(writer)


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    "arguments", [["--help"], ["predict", "--help"], ["--version"]]
)
def test_artkd_ends_quietly(arguments, buffered):
    result = run_without_a_reader(ARTKD, *arguments, buffered=buffered)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("buffered", [True, False])
def test_a_command_ends_quietly(tmp_path, buffered):
    for name in ("cubism", "rococo"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "broken.jpg").write_bytes(b"no picture")
    result = run_without_a_reader(
        ARTKD, "doctor", str(tmp_path), buffered=buffered
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_mistakes_are_told_all_the_same():
    result = run_without_a_reader(ARTKD, "predict", "no.tflite", "x.jpg")
    assert result.returncode == 2
    assert result.stderr.startswith("error: There is no model no.tflite")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("buffered", [True, False])
def test_recipes_end_quietly(buffered):
    result = run_without_a_reader(RECIPE, "--help", buffered=buffered)
    assert (result.returncode, result.stderr) == (0, "")


def test_native_chatter_is_held_back(capfd):
    with quiet():
        os.write(2, b"chatter")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_native_chatter_explains_an_error():
    with pytest.raises(RuntimeError) as caught, quiet():
        os.write(2, b"no space left")
        raise RuntimeError
    assert caught.value.__notes__ == ["no space left"]


def test_native_output_is_held_while_python_prints(capfd):
    with native_output_held() as held:
        os.write(1, b"out\n")
        os.write(2, b"error\n")
        print("shown")
        print("an error", file=sys.stderr)
        held.seek(0)
        assert held.read() == b"out\nerror\n"
    assert capfd.readouterr() == ("shown\n", "an error\n")


def test_our_warnings_are_a_line_for_whoever_types_a_command(capsys):
    """Others stay as Python has them, and ours do outside a command."""

    def job():
        warnings.warn("theirs", stacklevel=1)
        AWGram().build((None, 4, 4, 777))
        return 0

    usual = warnings.formatwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # pytest has put its own in place of it.
        warnings.showwarning = print_warning
        assert exit_status(job) == 0
    assert warnings.formatwarning is usual
    theirs, *_, ours = capsys.readouterr().err.splitlines()
    assert theirs.startswith(__file__) and "UserWarning: theirs" in theirs
    assert ours.startswith("warning: AWGram makes 302,253 numbers of 777")


def print_warning(message, category, filename, lineno, file=None, line=None):
    """As Python does."""
    sys.stderr.write(
        warnings.formatwarning(message, category, filename, lineno, line)
    )


def test_what_a_terminal_would_obey_is_escaped():
    assert escaped("\x1b[2J\x07") == r"\x1b[2J\x07"
    assert escaped("a\r\nb\u2028\x9b\ud800") == r"a\r\nb\u2028\x9b\ud800"
    assert escaped("a\u202eb\u2066") == r"a\u202eb\u2066"
    for name in (
        "Ukiyo-e 浮世絵",
        "العربية",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "non\u00a0breaking",
        r"back\slash",
    ):
        assert escaped(name) == name


def test_names_keep_their_marks_of_direction_as_data():
    name = "\u200fעברית\u200e (1)"
    assert on_one_line(name) == name
    assert on_one_line("a\x1b\u202eb\r\u2028") == "a\\x1b\u202eb\\r\\u2028"


def test_no_command_prints_marks_of_direction(capsys):
    """Whoever prints, and however; what is read from it is as it was."""
    name = "\u200fעברית\u202e\u2066 \u061c5"

    def job():
        print(json.dumps({name: 1}, ensure_ascii=False))
        sys.stdout.writelines([name, "\n"])
        sys.stderr.write(name)
        assert sys.stdout.write(name) == len(name)
        assert not sys.stdout.isatty()
        return 0

    streams = sys.stdout, sys.stderr
    assert exit_status(job) == 0
    assert (sys.stdout, sys.stderr) == streams
    printed = capsys.readouterr()
    for text in printed:
        assert not TURNS & set(text)
        assert r"\u200fעברית\u202e\u2066 \u061c5" in text
    assert json.loads(printed.out.splitlines()[0]) == {name: 1}
