"""The finished run of all tests, for the commands that take one."""

import shutil

import pytest

from keras_artkd.cli.main import main


@pytest.fixture(scope="session")
def finished(finished_run):
    """The run's folder; not to be changed."""
    return finished_run.plan.folder.path


@pytest.fixture(scope="session")
def images(finished_run):
    """The folder of images that the run was made from."""
    return finished_run.images


@pytest.fixture
def run_dir(finished, tmp_path):
    """A copy of the run, to be spoilt."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def failing(capsys):
    """Runs a command that cannot work; returns the line that says why."""

    def call(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as stop:  # argparse's own way.
            status = stop.code
        error = capsys.readouterr().err
        assert status == 2
        assert error.startswith("error: ") and error.count("\n") == 1
        return error

    return call
