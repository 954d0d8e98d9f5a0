"""The house: imports point down, files are short, public names stay."""

import ast
import pathlib

import pytest

import keras_artkd

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "keras_artkd"
# From the top to the bottom; what stands in one line may not import the other.
HOUSE = (
    ("cli",),
    ("studies", "search", "label"),
    ("runs",),
    ("deploy", "report", "doctor"),
    ("distillers",),
    ("losses",),
    ("models",),
    ("datasets",),
    ("data", "measure"),
    ("layers", "run_folder"),
    ("catalogue", "files", "text_files"),
    ("loopback", "output", "types", "version"),
)
LEVEL = {name: level for level, row in enumerate(HOUSE) for name in row}
# The package itself passes on one class.
LEVEL["Distiller"] = LEVEL["distillers"]
LONGEST = 400


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def imported(path):
    """Packages of this one that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
            if node.module == "keras_artkd":
                names = [f"keras_artkd.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            assert first != "recipes", f"{path} imports recipes"
            if first == "keras_artkd" and rest:
                yield rest[0]


def test_every_package_has_its_place():
    found = {
        path.stem
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert found - {"__init__"} == set(LEVEL) - {"Distiller"}


@pytest.mark.parametrize("name", [n for row in HOUSE for n in row])
def test_imports_point_down(name):
    upward = set()
    for path in modules():
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") != name:
            continue
        for other in imported(path):
            if other != name and LEVEL[other] <= LEVEL[name]:
                upward.add(f"{path.relative_to(ROOT)} imports {other}")
    assert not upward


def test_files_are_short():
    paths = [*modules(), *ROOT.glob("tests/**/*.py"), *ROOT.glob("*/*.py")]
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in paths
        if ".venv" not in path.parts
    }
    assert not {path: n for path, n in lines.items() if n > LONGEST}


def test_public_names():
    assert keras_artkd.__version__
    for name in ("Distiller", "distillers", "layers", "losses", "models"):
        assert hasattr(keras_artkd, name)
