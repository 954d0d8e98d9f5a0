"""Docstrings of this package, read from its text: nothing is imported."""

import ast
import pathlib
from collections.abc import Iterator

_PACKAGE = pathlib.Path(__file__).parents[1]


def read_docstrings(module: str, name: str | None = None) -> Iterator[str]:
    """Yields the docstrings of functions and classes, and of base classes.

    Args:
        module: str, a module of this package.
        name: str, a function or class that the module defines or imports;
            None for all that it defines.
    """
    for node in _parse(module).body:
        if isinstance(node, ast.ImportFrom):
            known = any(alias.name == name for alias in node.names)
            if known and (node.module or "").startswith(_PACKAGE.name):
                yield from read_docstrings(node.module or "", name)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            if name not in (None, node.name):
                continue
            yield ast.get_docstring(node) or ""
            for base in getattr(node, "bases", ()):
                yield from read_docstrings(module, ast.unparse(base))


def _parse(module: str) -> ast.Module:
    path = _PACKAGE.joinpath(*module.split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))
