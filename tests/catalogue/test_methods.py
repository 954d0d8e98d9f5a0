"""Methods by name: read from their source, or declared by a user."""

import importlib
import pkgutil
import subprocess
import sys
import textwrap

import pytest

import keras_artkd.catalogue
from keras_artkd.catalogue import methods
from keras_artkd.catalogue.methods import METHODS, get_method, method
from keras_artkd.catalogue.source import (
    METHODS_PACKAGE,
    method_files,
    read_source,
)
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers import Distiller, build
from tests.distillers.networks import wide


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    """Every method is imported; what a test declares is forgotten after it."""
    for name in method_files():
        importlib.import_module(f"{METHODS_PACKAGE}.{name}")
    monkeypatch.setattr(methods, "_DECLARED", {**methods._DECLARED})
    return methods._DECLARED


@pytest.mark.parametrize("name", method_files())
def test_a_method_read_is_the_method_imported(name, declared):
    assert methods.read_method(name) == declared[name].method
    assert METHODS[name].documentation


def test_the_catalogue_imports_no_tensors():
    """Every name is checked, every method read, before Keras is imported."""
    modules = [
        f"keras_artkd.catalogue.{module.name}"
        for module in pkgutil.iter_modules(keras_artkd.catalogue.__path__)
    ]
    assert "keras_artkd.catalogue.methods" in modules
    program = f"""
        import importlib, sys
        for module in {modules}:
            importlib.import_module(module)
        from keras_artkd.catalogue.methods import METHODS, get_method
        assert all(METHODS[name].name == name for name in METHODS)
        assert get_method("kd+rkd").options["kd.alpha"] == 0.9
        heavy = {{"keras", "tensorflow", "jax", "numpy"}} & {{*sys.modules}}
        sys.exit(f"imported: {{heavy}}" if heavy else 0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def declare_mine(**properties):
    @method(space={"weight": Float(0.1, 1.0)}, **properties)
    def mine(student, weight=0.5, warmup=20.0, name="mine"):
        """`weight L(y, S)`."""
        return Distiller(student, supervised_weight=weight, name=name)

    return mine


def test_a_method_of_a_user_is_a_method():
    make = declare_mine(head="awgram", epoch_options=("warmup",))
    mine = get_method("mine")
    assert mine.make is make and "mine" in list(METHODS)
    assert len(METHODS) == len(method_files()) + 1
    assert mine.options == {"weight": 0.5, "warmup": 20.0}
    assert mine.options_for(24) == {"warmup": 2.0}
    assert mine.space == {"weight": Float(0.1, 1.0)}
    assert (mine.head, mine.documentation) == ("awgram", "`weight L(y, S)`.")
    assert not mine.needs_expert and not mine.needs_initial
    distiller = build("mine", wide(), weight=0.25)
    assert (distiller.name, distiller.supervised_weight) == ("mine", 0.25)
    joined = build("mine+kd", wide(), wide(2), **{"kd.temperature": 2.0})
    assert [loss.temperature for loss in joined.transfer_losses] == [2.0]
    # A notebook's cell runs again and again.
    declare_mine()
    assert get_method("mine").head == "pool"


def test_a_class_is_a_method_too():
    @method(name="mine")
    class Mine(Distiller):
        def __init__(self, student, initial_teacher, share=0.5, name="mine"):
            super().__init__(student, {"initial": initial_teacher}, name=name)
            self.share = share

    mine = get_method("mine")
    assert mine.needs_initial and mine.options == {"share": 0.5}
    distiller = build("mine", wide(), initial=wide(2), share=0.1)
    assert isinstance(distiller, Mine) and distiller.share == 0.1


def without_default(student, weight, name="mine"):
    """`weight` needs one."""


def without_name(student):
    """The distiller could not be named."""


def of_any_options(student, name="mine", **options):
    """Nobody could list them."""


def kd(student, name="kd"):
    """A name that is taken."""


@pytest.mark.parametrize(
    ("make", "properties", "message"),
    [
        (without_default, {}, "mine|without_default.*which weight does not"),
        (without_name, {}, "student and name.*which name does not fit"),
        (of_any_options, {}, "which options does not fit"),
        (kd, {}, "not that of a method of keras_artkd.*name='kd'"),
        (kd, {"name": "kd+mine"}, "identifier.*name='kd[+]mine'"),
        (kd, {"name": "mine", "epoch_options": ("warmup",)}, "which warmup"),
    ],
)
def test_declarations_that_are_no_methods(make, properties, message):
    with pytest.raises(ValueError, match=message):
        method(**properties)(make)
    assert set(METHODS) == set(method_files())


def test_a_property_that_does_not_exist():
    with pytest.raises(TypeError, match="'veiws'"):
        method(veiws="two")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def mine(student, name='mine'): ...", "declare one method.*: 0"),
        (
            "@method()\ndef mine(student, name='mine'): ...\n"
            "@method()\ndef other(student, name='other'): ...",
            "declare one method.*Received: 2",
        ),
        (
            "@method()\ndef other(student, name='other'): ...",
            "mine.py must declare the method of its name.*'other'.*'mine'",
        ),
        (
            "@method()\ndef mine(student, weight=WEIGHT, name='mine'): ...",
            "mine.py must give `weight` a literal.*weight=WEIGHT",
        ),
        (
            "@method(views=VIEWS)\ndef mine(student, name='mine'): ...",
            "mine.py must give `views` a literal.*views=VIEWS",
        ),
        ("@method(name='mine')\nclass Mine: ...", "constructor.*Mine"),
        (
            "@method()\ndef mine(student, *, weight, name='mine'): ...",
            "which weight does not fit",
        ),
    ],
)
def test_files_that_declare_no_method(text, message, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_source(path)


def test_options_by_keyword_alone_are_read(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "@method(head='awgram', space={'weight': Float(0, 1)})\n"
        "def mine(student, *, weight: float = -0.5, name='mine'):\n"
        '    """`L`."""\n'
    )
    source = read_source(path)
    assert source.options == {"weight": -0.5}
    assert source.properties == {"head": "awgram"}
    assert source.documentation == "`L`."
