"""The declaration of a method, read from the text of its file.

Reading does not import the file, and therefore not Keras.
"""

import ast
import dataclasses
import functools
import inspect
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

METHODS_PACKAGE = "keras_artkd.distillers.methods"

_FOLDER = pathlib.Path(__file__).parents[1] / "distillers" / "methods"
_DECORATOR = "method"
# Parameters of a method that are not its options.
_ALWAYS = ("student", "name")
_TEACHERS = ("expert_teacher", "initial_teacher")

Option = float | str | bool
"""A value of an option of a method."""


@dataclasses.dataclass(frozen=True)
class Source:
    """The content of a method's signature, docstring and decorator.

    Attributes:
        name: str.
        parameters: dict of parameter -> default, None where there is none.
        documentation: str, the docstring; empty if there is none.
        properties: dict, arguments of `@method(...)` other than `name` and
            `space`.

    Raises:
        ValueError: if the signature is not that of a method.
    """

    name: str
    parameters: Mapping[str, Any]
    documentation: str
    properties: Mapping[str, Any]

    def __post_init__(self) -> None:
        options = self.options
        wrong = [name for name in _ALWAYS if name not in self.parameters]
        wrong += [
            name
            for name in self.properties.get("epoch_options", ())
            if name not in options
        ]
        label_free = self.properties.get("label_free")
        if label_free not in (None, "always", *options):
            wrong.append(str(label_free))
        wrong += [
            name
            for name, default in options.items()
            if not isinstance(default, int | float | str)
        ]
        if wrong:
            raise ValueError(
                f"A method must have the parameters {' and '.join(_ALWAYS)}. "
                f"Apart from {' and '.join(_TEACHERS)} all others are options, "
                "whose defaults must be numbers, texts or bools. "
                "`epoch_options` must be options, and `label_free` one or "
                "'always'. Received: "
                f"{self.name}({', '.join(self.parameters)}), in which "
                f"{', '.join(wrong)} does not fit."
            )

    @property
    def options(self) -> dict[str, Option]:
        """The options and their defaults."""
        others = (*_ALWAYS, *_TEACHERS)
        return {
            name: default
            for name, default in self.parameters.items()
            if name not in others
        }


@functools.cache
def method_files() -> Mapping[str, pathlib.Path]:
    """The files of this package's methods, by the method's name."""
    paths = sorted(_FOLDER.glob("*.py"))
    return {path.stem: path for path in paths if path.stem != "__init__"}


def inspect_source(
    make: Callable[..., Any], name: str | None, properties: Mapping[str, Any]
) -> Source:
    """The source of a function or class that has been imported.

    Args:
        make: the function or class.
        name: str; by default the function's own.
        properties: see `Source`.
    """
    parameters = inspect.signature(make).parameters.values()
    return Source(
        name or make.__name__,
        {
            parameter.name: None
            if parameter.default is parameter.empty
            else parameter.default
            for parameter in parameters
        },
        inspect.getdoc(make) or "",
        properties,
    )


def read_source(path: pathlib.Path) -> Source:
    """Reads the declaration of a method without importing its file.

    Args:
        path: of the file, which has the method's name.

    Raises:
        ValueError: if the file does not declare exactly one method of its
            name, or a default or property is not a literal.
    """
    tree = _parse(path)
    found = [
        (node, call)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == _DECORATOR
    ]
    if len(found) != 1:
        raise ValueError(
            f"{path} must declare one method. Received: {len(found)}. Fix: "
            "@method(...) above one function or class."
        )
    definition, decorator = found[0]
    properties = {
        keyword.arg: _literal(keyword.value, keyword.arg, path)
        for keyword in decorator.keywords
        # The space comes with the import.
        if keyword.arg is not None and keyword.arg != "space"
    }
    declared = properties.pop("name", definition.name)
    if declared != path.stem:
        raise ValueError(
            f"{path} must declare the method of its name. "
            f"Received: {declared!r}. Fix: @method(name={path.stem!r}), or "
            "rename the file."
        )
    return Source(
        path.stem,
        _parameters(tree, definition, path),
        ast.get_docstring(definition) or "",
        properties,
    )


def _parse(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _parameters(
    tree: ast.Module,
    definition: ast.FunctionDef | ast.ClassDef,
    path: pathlib.Path,
) -> dict[str, Any]:
    """Parameters and their defaults; for a class those of its constructor."""
    if isinstance(definition, ast.FunctionDef):
        return _arguments(definition, path)
    for node in definition.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return _arguments(node, path)
    # The constructor is that of the base class, another method.
    modules = {
        alias.name: node.module or ""
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for base in map(ast.unparse, definition.bases):
        package, _, module = modules.get(base, "").rpartition(".")
        if package == METHODS_PACKAGE:
            path = path.with_name(f"{module}.py")
            tree = _parse(path)
            classes = {
                node.name: node
                for node in tree.body
                if isinstance(node, ast.ClassDef)
            }
            return _parameters(tree, classes[base], path)
    raise ValueError(
        f"{path} must give the class of its method a constructor, or the class "
        f"of another method as its base. Received: {definition.name}. Fix: "
        "write its __init__."
    )


def _arguments(function: ast.FunctionDef, path: pathlib.Path) -> dict[str, Any]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    defaults = [
        *[None] * required,
        *arguments.defaults,
        *arguments.kw_defaults,
    ]
    parameters = {
        argument.arg: None
        if default is None
        else _literal(default, argument.arg, path)
        for argument, default in zip(
            [*positional, *arguments.kwonlyargs], defaults, strict=True
        )
    }
    parameters.pop("self", None)
    return parameters


def _literal(value: ast.expr, name: str, path: pathlib.Path) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        raise ValueError(
            f"{path} must give `{name}` a literal: it is read without being "
            f"imported. Received: {name}={ast.unparse(value)}. Fix: write the "
            "value itself."
        ) from None
