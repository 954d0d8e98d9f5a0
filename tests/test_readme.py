"""What the README shows, works."""

import pathlib
import re

import keras_artkd
from recipes.config import Config

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        # One epoch is as good as many to see that it runs.
        exec(re.sub(r"epochs=\d+", "epochs=1", block), {})
    assert (tmp_path / "student.keras").exists()


def test_flags_exist():
    fields = set(Config.__dataclass_fields__)
    flags = re.findall(r"(?<= )--([a-z][a-z-]+)", README)
    assert flags
    assert {flag.replace("-", "_") for flag in flags} <= fields


def test_nothing_is_left_to_fill_in():
    assert not re.findall(r"@[A-Z]+@", README)


def test_linked_files_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_public_names():
    assert keras_artkd.__version__
    for name in ("Distiller", "distillers", "layers", "losses", "models"):
        assert hasattr(keras_artkd, name)
