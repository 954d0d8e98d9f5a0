"""What the README shows, works."""

import argparse
import dataclasses
import importlib
import pathlib
import re

import numpy as np
import pytest

import keras_artkd
from keras_artkd.cli import COMMANDS
from recipes.config import Config
from recipes.searching.settings import Settings as Search
from recipes.study import Settings as Study

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs/results.md").read_text(encoding="utf-8")


def test_code_runs(tmp_path, monkeypatch):
    """Every example, in order: each goes on where the one before ended."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 9
    names = {}
    for block in blocks:
        # One epoch is as good as many to see that it runs, on few images.
        # A training in phases wants all of its own.
        if "ms_mgans" not in block:
            block = re.sub(r"epochs=\d+", "epochs=1", block)
        exec(re.sub(r"scenes=\d+", "scenes=8", block), names)
    assert {path.name for path in tmp_path.iterdir()} == {
        "student.keras",
        "student.tflite",
        "self_taught.tflite",
        "expert_stages",
    }
    own = names["CosineDistance"]()
    logits = {"logits": np.array([[1.0, 0.0], [1.0, 1.0]])}
    turned = {"logits": np.array([[0.0, 3.0], [2.0, 2.0]])}
    np.testing.assert_allclose(own(None, logits, turned), [1, 0], atol=1e-6)


def artkd_flags():
    """Every flag of every command of `artkd`."""
    for name in COMMANDS:
        parser = argparse.ArgumentParser()
        module = importlib.import_module(f"keras_artkd.commands.{name}")
        module.add_arguments(parser)
        for line in parser.format_help().splitlines():
            yield from re.findall(r"--([a-z][a-z-]+)", line)


@pytest.mark.parametrize("text", [README, RESULTS], ids=["README", "results"])
def test_flags_exist(text):
    known = {
        field.name.replace("_", "-")
        for kind in (Config, Search, Study)
        for field in dataclasses.fields(kind)
    } | {*artkd_flags()}
    known |= {f"no-{flag}" for flag in known}
    # Of pip, and of benchmarks/startup.py.
    known |= {"no-deps", "model", "image"}
    flags = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", text))
    assert flags and flags <= known


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
