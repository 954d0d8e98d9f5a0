import json
import os
import shutil
import subprocess
import sys

import pytest

from keras_artkd.cli import main as cli
from keras_artkd.datasets import load
from tests.datasets.archives import forbid
from tests.doctor.pictures import make_healthy, paint, save

# Fails upon any import that needs more than NumPy and Pillow.
ONLY_NUMPY_AND_PILLOW = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        allowed = {"keras_artkd", "numpy", "PIL"} | sys.stdlib_module_names
        # A plug-in of Pillow, used where it is installed.
        allowed.add("pillow_heif")
        if top not in allowed and "keras_artkd.doctor" in sys.modules:
            raise AssertionError(f"imports {name}")

import keras_artkd.doctor
sys.meta_path.insert(0, Refuse())
from keras_artkd.cli import main as cli
status = cli.main(sys.argv[1:])
heavy = {"tensorflow", "keras", "tensorflow_datasets", "matplotlib"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
raise SystemExit(status)
"""


@pytest.fixture
def root(tmp_path):
    return make_healthy(tmp_path / "images")


def test_status_and_json(root, capsys):
    assert cli.main(["doctor", str(root)]) == 0
    printed = capsys.readouterr().out
    assert "nothing found" in printed and "Next:" not in printed
    shutil.copy(root / "Rococo" / "1.png", root / "Baroque" / "x.png")
    assert cli.main(["doctor", str(root), "--json"]) == 1
    captured = capsys.readouterr()
    assert cli.main(["doctor", str(root)]) == 1
    told = capsys.readouterr().out
    assert f"Next: artkd doctor {root} --page doctor.html" in told
    assert f"artkd train {root} --data-options exclude exclude.txt" in told
    document = json.loads(captured.out)
    (conflict,) = document["findings"]["label_conflicts"]
    files = [(item["file"], item["class"]) for item in conflict["files"]]
    assert files == [("Baroque/x.png", "Baroque"), ("Rococo/1.png", "Rococo")]
    assert captured.err == ""  # Progress is for terminals.


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["absent"], "does not exist"),
        (["images", "--short-side", "0"], "at least 1 pixel"),
        (["images", "--exclude", "absent"], "must be a file that can be read"),
    ],
)
def test_bad_input_is_one_line(root, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(root.parent)
    assert cli.main(["doctor", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and message in captured.err
    assert captured.err.count("\n") == 1


def test_a_list_never_replaces_a_folder(root, capsys):
    """A slip of the hand must not cost the images."""

    def contents():
        files = [path for path in root.parent.rglob("*") if path.is_file()]
        return {path: path.read_bytes() for path in files}

    before = contents()
    assert cli.main(["doctor", str(root), "--fix-list", str(root)]) == 2
    assert contents() == before and len(before) == 8
    captured = capsys.readouterr()
    assert "would be lost" in captured.err and captured.out == ""
    assert captured.err.count("\n") == 1


def test_a_folder_that_cannot_be_read_is_bad_input(root, capsys, monkeypatch):
    """It must not look like an empty one."""
    forbid(monkeypatch, root / "Rococo")
    assert cli.main(["doctor", str(root)]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert str(root / "Rococo") in captured.err and "Fix:" in captured.err


def test_nothing_is_left_of_a_list_that_cannot_be_written(root, capsys):
    (root.parent / "file").touch()
    before = sorted(root.parent.rglob("*"))
    path = root.parent / "file" / "list"
    assert cli.main(["doctor", str(root), "--fix-list", str(path)]) == 2
    assert sorted(root.parent.rglob("*")) == before
    assert "Fix:" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
def test_the_loader_honours_the_list_whatever_the_names(root, tmp_path):
    source = root / "Rococo" / "1.png"
    odd = [b" x.png", b"#x.png", b'"x".png', b"a\nb.png", b"a\r.png", b"\\.png"]
    odd += [b"andr\xe9.png", "d'été.png".encode(), "a\u2028b.png".encode()]
    folder = os.fsencode(root / "Rococo")
    for name in odd:
        shutil.copy(os.fsencode(source), folder + b"/" + name)
    fix_list = tmp_path / "exclude.txt"
    command = ["doctor", str(root), "--fix-list", str(fix_list)]
    assert cli.main(command) == 1
    assert cli.main(["doctor", str(root), "--exclude", str(fix_list)]) == 0
    data = load("folder", data_dir=root, exclude=str(fix_list))
    stores = (data.train, data.validation, data.test)
    kept = [key for store in stores for key in store.keys]
    assert len(kept) == 8
    reasons = {item.reason for item in data.skipped}
    assert reasons == {f"excluded by {fix_list}"}
    assert len(data.skipped) == len(odd)


def test_a_page_shows_what_was_found(root, tmp_path, capsys):
    save(paint(1, (60, 50)), root / "Rococo" / "near.jpg")
    page = tmp_path / "new" / "page.html"
    command = ["doctor", str(root), "--page", str(page)]
    assert cli.main(command) == 1
    assert capsys.readouterr().out.endswith(f"of what was found: {page}\n")
    text = page.read_text(encoding="utf-8")
    for name in ("Baroque/1.png", "Rococo/near.jpg"):
        assert f'alt="{name}"' in text
    # Standard output is JSON and nothing else.
    assert cli.main([*command, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["healthy"] is False
    assert page.read_text(encoding="utf-8") == text


def test_a_page_never_replaces_an_image(root, capsys):
    image = root / "Rococo" / "1.png"
    before = image.read_bytes()
    with pytest.raises(SystemExit) as caught:
        cli.main(["doctor", str(root), "--page", str(image)])
    assert caught.value.code == 2 and image.read_bytes() == before
    captured = capsys.readouterr()
    assert "Fix: a name that ends in .html" in captured.err
    assert captured.out == "" and captured.err.count("\n") == 1


def test_a_page_needs_neither_keras_nor_tensorflow(root, tmp_path):
    program = (
        "import sys\n"
        "from keras_artkd.cli import main as cli\n"
        "assert cli.main(sys.argv[1:]) == 0\n"
        "heavy = {'tensorflow', 'keras', 'tensorflow_datasets'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    page = tmp_path / "page.html"
    arguments = ["doctor", str(root), "--page", str(page)]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True)
    assert "Nothing was found" in page.read_text(encoding="utf-8")


def test_it_needs_only_numpy_and_pillow(root, tmp_path):
    save(paint(1, (60, 50)), root / "Rococo" / "near.jpg")
    (root / "Rococo" / "bad.jpg").touch()
    arguments = ["doctor", str(root), "--fix-list", str(tmp_path / "list")]
    result = subprocess.run(
        [sys.executable, "-c", ONLY_NUMPY_AND_PILLOW, *arguments],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1, result.stderr
    assert "Unreadable" in result.stdout
