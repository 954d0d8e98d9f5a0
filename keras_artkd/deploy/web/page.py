"""What a page consists of: its own files, a model's settings, the runtime."""

import base64
import hashlib
import importlib.resources
import json
import pathlib
import string
import warnings

from keras_artkd.deploy.model_info import CARD, INFO, read_archive
from keras_artkd.deploy.web import litert_js
from keras_artkd.types import Path

MODEL = "model.tflite"
START = "index.html"
RUNTIME = "litert"
_OWN = importlib.resources.files(__package__).joinpath("page")
# The names of all that is in a page.
FILES = (*(file.name for file in _OWN.iterdir()), MODEL, INFO, CARD, RUNTIME)
# The script policy's last part is what index.html itself holds.
_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' {imports}{there};"
    " connect-src 'self'{there}; style-src 'self'; img-src 'self' blob: data:;"
    " worker-src 'self'; base-uri 'none'; form-action 'none'"
)


def write_own_files(folder: pathlib.Path, has_runtime: bool) -> None:
    """Writes what is the same of every model.

    Args:
        folder: of the page.
        has_runtime: whether the runtime lies in it; otherwise the page loads
            it from `litert_js.URL`.
    """
    base = f"./{RUNTIME}/" if has_runtime else litert_js.URL
    imports = {
        "imports": {
            litert_js.PACKAGE: base + litert_js.LIBRARY,
            "@litertjs/wasm-utils": "./loader.js",
        },
        "integrity": {}
        if has_runtime
        else {
            base + name: f"sha384-{digest}"
            for name, digest in litert_js.DIGESTS.items()
        },
    }
    text = json.dumps(imports)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    policy = _POLICY.format(
        imports=f"'sha256-{digest}'", there="" if has_runtime else f" {base}"
    )
    for file in _OWN.iterdir():
        content = file.read_text(encoding="utf-8")
        if file.name == START:
            content = string.Template(content).substitute(
                policy=policy, imports=text
            )
        (folder / file.name).write_text(content, encoding="utf-8")


def write_settings(folder: pathlib.Path) -> None:
    """Puts what the model says of itself beside it, where a page reads it."""
    info = read_archive(folder / MODEL)
    assert info is not None  # `export_run` has put it there.
    files = info.files()
    for name in (INFO, CARD):
        (folder / name).write_text(files[name], encoding="utf-8")


def is_page(folder: pathlib.Path) -> bool:
    """Whether a folder holds a page."""
    return all((folder / name).is_file() for name in (START, MODEL, INFO))


def add_runtime(folder: pathlib.Path, source: Path | None) -> bool:
    """Puts LiteRT.js into a page, or warns that it is not there.

    Args:
        folder: of the page.
        source: folder with the package; npm brings it by default.

    Returns:
        Whether it is in the page now.

    Raises:
        ValueError: if the source is another version or another package.
    """
    try:
        litert_js.copy_runtime(folder / RUNTIME, source)
    except litert_js.NoRuntime as error:
        warnings.warn(
            f"The page loads LiteRT.js from {litert_js.URL} and does not work "
            f"offline ({error}). Fix: npm pack {litert_js.PACKAGE}@"
            f"{litert_js.VERSION} elsewhere, unpack it, and --runtime with its "
            "folder",
            stacklevel=2,
        )
        return False
    return True


def loaded_bytes(folder: pathlib.Path) -> int:
    """What a visit loads of a page: one of its runtimes, all the rest."""
    sizes = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }
    runtimes = [
        sum(sizes.get(f"{RUNTIME}/{stem}.{end}", 0) for end in ("js", "wasm"))
        for stem in litert_js.RUNTIMES
    ]
    return sum(sizes.values()) - sum(runtimes) + max(runtimes)
