"""`artkd label`: from the folder of a run to the next training."""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import urllib.request

import pytest

from keras_artkd.run_folder import METRICS, RunFolder
from keras_artkd.runs.claims import claim
from tests.label.runs import write_label_run

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    return write_label_run(tmp_path)[0]


@pytest.fixture
def labelling(folder):
    """The command, running; its output up to the address is read."""
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_artkd.cli.main", "label", str(folder)]
        + ["--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        # No window of a browser, wherever the test runs.
        env={**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": ""},
    )
    first = process.stdout.readline()
    yield process, first.removeprefix("Label at ").strip()
    process.kill()
    process.communicate()


def test_one_command_at_a_time_which_ctrl_c_ends(labelling, folder, failing):
    process, url = labelling
    with urllib.request.urlopen(url, timeout=20) as page:
        assert b"Label pictures" in page.read()
    error = failing("label", folder.path)
    assert f"in use by process {process.pid} on " in error
    # A training would be refused by the same claim.
    with claim(folder) as mine:
        assert not mine
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 0 and errors == ""
    assert "0 of 6 labelled\n" in output
    (command,) = re.findall("to learn from it: (.*)", output)
    assert shlex.split(command) == [
        *("artkd", "train", "labelled", "--method", "pseudo_soft"),
        *("--pseudo-labels", str(folder.pseudo_labels)),
    ]
    with claim(folder) as mine:
        assert mine


def test_folders_without_a_table(folder, failing, tmp_path):
    nowhere = tmp_path / "nowhere" / "run"
    assert "must be that of a run" in failing("label", nowhere)
    # Nothing is left of a typing mistake.
    assert not nowhere.parent.exists()
    folder.pseudo_labels.unlink()
    assert "--labels-only" in failing("label", folder.path)


def test_a_port_that_cannot_be(folder, failing):
    assert "--port -1" in failing("label", folder.path, "--port", "-1")


def test_a_finished_run_is_labelled_in_a_copy(folder, monkeypatch, capsys):
    from keras_artkd.cli.main import main
    from keras_artkd.label.server import LabelServer

    folder.write(METRICS, {})

    def one_answer(server):
        number = server.session.state()["picture"]["number"]
        server.session.answer(number, 1)
        raise KeyboardInterrupt

    monkeypatch.setattr(LabelServer, "serve_forever", one_answer)
    monkeypatch.chdir(folder.path)
    assert main(["label", ".", "--port", "0", "--no-browser"]) == 0
    output = capsys.readouterr().out
    copy = RunFolder(folder.path).corrected_labels
    assert copy.is_file() and f"--pseudo-labels {copy}" in output
    assert "1 of 6 labelled" in output
