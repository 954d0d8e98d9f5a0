"""A package in the place of LiteRT.js."""

import base64
import hashlib

import pytest

from keras_artkd.deploy.web import litert_js


def write_package(folder):
    """Writes the package's files, of other content."""
    for name in litert_js.DIGESTS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"// {name}")


@pytest.fixture
def own_digests(monkeypatch):
    """The digests are those of `write_package`."""
    for name in litert_js.DIGESTS:
        digest = hashlib.sha384(f"// {name}".encode()).digest()
        monkeypatch.setitem(
            litert_js.DIGESTS, name, base64.b64encode(digest).decode()
        )
