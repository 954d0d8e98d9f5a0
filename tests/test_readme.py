"""The code of README and guides runs, their flags and files exist."""

import argparse
import importlib
import pathlib
import re

import keras
import numpy as np
import pytest

from keras_artkd.cli.main import COMMANDS
from keras_artkd.cli.samples import Samples
from keras_artkd.cli.train import Extent
from keras_artkd.runs.config import Config
from keras_artkd.search.settings import Settings as Search
from keras_artkd.studies.settings import Settings as Study

ROOT = pathlib.Path(__file__).parents[1]
TEXTS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
}
# Those with code and commands of their own.
COMMANDING = (
    "README",
    "deploy",
    *("formats", "guide", "methods", "later_methods", "python"),
    *("results", "web"),
)
SOURCES = ("thesis_000", "paper_001", "thesis_002", "paper_003", "tutorial_004")
# A reader's ten minutes.
MOST_WORDS = 900


def step_eagerly(monkeypatch):
    """Eager steps show what code does; graphs take minutes to trace."""
    compile_model = keras.Model.compile

    def compile_eagerly(self, *args, **kwargs):
        compile_model(self, *args, **{**kwargs, "run_eagerly": True})

    monkeypatch.setattr(keras.Model, "compile", compile_eagerly)


def code_of(name):
    return re.findall(r"```python\n(.*?)```", TEXTS[name], re.DOTALL)


@pytest.mark.parametrize(
    "eager", [True, pytest.param(False, marks=pytest.mark.exhaustive)]
)
def test_code_runs(tmp_path, monkeypatch, eager):
    """Every example, in order: each continues where the one before ended."""
    monkeypatch.chdir(tmp_path)
    if eager:
        step_eagerly(monkeypatch)
    blocks = [*code_of("README"), *code_of("python")]
    assert len(blocks) == 10
    names = {}
    for block in blocks:
        # One epoch is as good as many to see that it runs, on few images.
        # A training in phases needs all of its own.
        if "ms_mgans" not in block:
            block = re.sub(r"epochs=\d+", "epochs=1", block)
        exec(re.sub(r"scenes=\d+", "scenes=4", block), names)
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
    """Every flag of the commands whose flags are not dataclasses."""
    for name in COMMANDS:
        module = importlib.import_module(f"keras_artkd.cli.{name}")
        if not hasattr(module, "add_arguments"):
            continue
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        for line in parser.format_help().splitlines():
            yield from re.findall(r"--([a-z][a-z-]+)", line)


@pytest.mark.parametrize("name", [*COMMANDING, *SOURCES])
def test_flags_exist(name):
    fields = {*Config.of("r", "d").flat(), "preset", "recipe-style"}
    for kind in (Search, Study, Extent, Samples):
        fields |= {*kind.__dataclass_fields__}
    known = {name.replace("_", "-") for name in fields} | {*artkd_flags()}
    known |= {f"no-{flag}" for flag in known}
    # Of benchmarks/startup.py.
    known |= {"model", "image"}
    flags = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", TEXTS[name]))
    assert flags <= known


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_is_left_to_fill_in(name):
    assert not re.findall(r"@[A-Z]+@", TEXTS[name])


@pytest.mark.parametrize("name", TEXTS)
def test_linked_files_exist(name):
    folder = ROOT if name == "README" else ROOT / "docs"
    for target in re.findall(r"\]\(([^)#]+)", TEXTS[name]):
        if "://" not in target:
            assert (folder / target).exists(), target


@pytest.mark.parametrize("name", SOURCES)
def test_a_sources_page_ends_with_what_is_left_out(name):
    titles = re.findall(r"^## (.+)", TEXTS[name], re.MULTILINE)
    assert titles[-1] == "What is left out, and where we differ"


def test_the_readme_is_short():
    assert len(TEXTS["README"].split()) <= MOST_WORDS
