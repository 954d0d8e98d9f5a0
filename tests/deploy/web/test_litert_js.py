"""The runtime of the page: from where it comes, and that it is the one."""

import json
import os
import stat

import pytest

from keras_artkd.deploy.web import litert_js
from tests.deploy.web.packages import own_digests as own_digests
from tests.deploy.web.packages import write_package

VERSIONED = f"{litert_js.PACKAGE}@{litert_js.VERSION}"
# An npm that answers as the real one does, with what lies beside it.
NPM = f"""#!/bin/sh
[ "$1 $2" = "pack {VERSIONED}" ] || exit 3
[ -d "$(dirname "$0")/package" ] || {{
  echo "npm error code ENOTFOUND" >&2
  echo "npm error network request failed" >&2
  exit 1
}}
tar czf core.tgz -C "$(dirname "$0")" package
"""


@pytest.mark.parametrize(
    "inside", ["", "package", f"node_modules/{litert_js.PACKAGE}"]
)
def test_from_a_folder(tmp_path, own_digests, inside):
    source, target = tmp_path / "source", tmp_path / "target"
    write_package(source / inside)
    (source / inside / "package.json").write_text("{}")
    litert_js.copy_runtime(target, source)
    found = {
        path.relative_to(target).as_posix()
        for path in target.rglob("*")
        if path.is_file()
    }
    assert found == set(litert_js.DIGESTS)


def test_from_a_folder_without_it(tmp_path):
    with pytest.raises(ValueError, match=f"Fix: npm install {VERSIONED}"):
        litert_js.copy_runtime(tmp_path / "target", tmp_path)


@pytest.mark.parametrize("spoil", ["change", "remove"])
def test_from_a_folder_with_another(tmp_path, own_digests, spoil):
    write_package(tmp_path)
    file = tmp_path / "wasm/litert_wasm_internal.wasm"
    if spoil == "change":
        file.write_text("// another")
    else:
        file.unlink()
    with pytest.raises(ValueError, match="another wasm/litert_wasm_internal"):
        litert_js.copy_runtime(tmp_path / "target", tmp_path)


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A folder with an npm of ours alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(NPM)
    npm.chmod(npm.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return folder


def test_from_npm(tmp_path, own_digests, npm):
    write_package(npm / "package")
    litert_js.copy_runtime(tmp_path / "target")
    assert (tmp_path / "target" / litert_js.LIBRARY).is_file()


def test_another_package_from_npm(tmp_path, npm):
    """Whatever npm says of it, the digests decide."""
    write_package(npm / "package")
    with pytest.raises(ValueError, match="as its authors published it"):
        litert_js.copy_runtime(tmp_path / "target")


def test_npm_that_fails(tmp_path, npm):
    with pytest.raises(litert_js.NoRuntime, match="npm failed: code ENOTFOUND"):
        litert_js.copy_runtime(tmp_path / "target")


def test_without_npm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(litert_js.NoRuntime, match="npm is not installed"):
        litert_js.copy_runtime(tmp_path / "target")


def test_one_version(runtime):
    """What npm brings says that it is the version of the digests."""
    assert json.dumps(litert_js.VERSION)[1:-1] in litert_js.URL
    assert (runtime / litert_js.LIBRARY).stat().st_size > 10_000
