import contextlib
import io
import shutil

import pytest

from keras_artkd.cli.main import main
from tests.report.runs import write_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [
        str(write_run(folder / f"seed{seed}", 2, images=12, seed=seed))
        for seed in (0, 1)
    ]


@pytest.fixture(scope="module")
def printed(runs):
    """The output of a report on the first run."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert main(["report", runs[0]]) == 0
    return output.getvalue()


def test_one_run(runs, printed):
    assert printed.strip() == f"{runs[0]}/report.html"
    with open(f"{runs[0]}/report.html", encoding="utf-8") as file:
        assert file.read().rstrip().endswith("</html>")


def test_several_runs(runs, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["report", *runs]) == 0
    # Where it is, as nobody said where it should be.
    assert capsys.readouterr().out.strip() == f"{tmp_path}/comparison.html"
    assert (tmp_path / "comparison.html").is_file()
    assert main(["report", *runs, "--output", "new/both.html"]) == 0
    assert (tmp_path / "new" / "both.html").is_file()
    assert (tmp_path / "new" / "both_figures" / "loss.png").is_file()


def tree(folder):
    """What lies where, and since when."""
    return {
        p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.rglob("*")
    }


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("place", ["thesis", ".", "file/page.html"])
def test_an_output_that_cannot_be_changes_nothing(
    runs, printed, tmp_path, monkeypatch, capsys, count, place
):
    monkeypatch.chdir(tmp_path)
    for number, run in enumerate(runs):
        shutil.copytree(run, f"run{number}")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "years.txt").write_text("of work")
    (tmp_path / "file").write_text("in the way")
    capsys.readouterr()
    before = tree(tmp_path)
    given = ["run0", "run1"][:count]
    assert main(["report", *given, "--output", place]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Fix: " in error
    assert tree(tmp_path) == before


def test_bad_input_gives_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Not the folder of a run")
    assert error.count("\n") == 1
    assert [*tmp_path.iterdir()] == []


def test_a_pair_is_of_one_run(runs, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pair = ("--pair", "academicism", "art nouveau")
    assert main(["report", *runs, *pair]) == 2
    error = capsys.readouterr().err
    assert "Received: 2 runs" in error and error.count("\n") == 1
    assert [*tmp_path.iterdir()] == []
    run = shutil.copytree(runs[0], "run")
    assert main(["report", run, *pair]) == 0
    assert (tmp_path / "run" / "figures" / "pair-1.png").is_file()


def test_a_place_that_cannot_be_written_gives_one_line(runs, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    output = str(tmp_path / "file" / "page.html")
    assert main(["report", *runs, "--output", output]) == 2
    assert capsys.readouterr().err.count("\n") == 1
