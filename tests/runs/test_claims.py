"""A run is trained by one process; the others say by which."""

import subprocess
import sys
import threading

import pytest

from keras_artkd.files import replacing
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.claims import claim, claimed

HOLDS = """
import sys, time
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.claims import claim
with claim(RunFolder(sys.argv[1])) as mine:
    print(mine, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "recipe" / "run")


@pytest.fixture
def other(folder):
    """Another process that has claimed the run, until it is written to."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.wait()


def test_another_process_is_named(folder, other):
    with claim(folder) as mine:
        assert not mine
    with pytest.raises(ValueError, match=rf"process {other.pid} on .*since"):
        with claimed(folder):
            pass
    another = RunFolder(folder.path.with_name("another"))
    with claim(another) as mine:
        assert mine


def test_the_end_of_a_process_lifts_its_claim(folder, other):
    other.kill()
    other.wait()
    with claim(folder) as mine:
        assert mine


def test_an_experts_run_is_waited_for(folder, other, capsys):
    threading.Timer(0.5, other.communicate, ["\n"]).start()
    with claim(folder, wait=True) as mine:
        assert mine
    assert f"Waiting for run: process {other.pid}" in capsys.readouterr().out


def test_a_process_may_claim_its_own_run_again(folder):
    with claimed(folder), claimed(folder), claim(folder, wait=True) as mine:
        assert mine
    with claim(folder) as mine:
        assert mine


def test_what_a_killed_process_left_is_swept(folder):
    folder.path.mkdir(parents=True)
    kept = folder.path / "student.keras"
    kept.write_bytes(b"x")
    (folder.path / ".mine").mkdir()
    unfinished = replacing(folder.path / "gallery")
    unfinished.__enter__().mkdir()
    assert len([*folder.path.glob(".gallery.*")]) == 1
    with claimed(folder):
        left = {path.name for path in folder.path.iterdir()}
        assert left == {"student.keras", ".mine"}
