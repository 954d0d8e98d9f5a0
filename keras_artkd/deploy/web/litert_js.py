"""LiteRT.js, the runtime of the page: one version, known by its digests.

It comes from the package registry of npm when a page is written, or from a
folder that has it. The page can also load it from an address; browsers then
compare the same digests.
"""

import base64
import hashlib
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping

from keras_artkd.files import first_line
from keras_artkd.types import Path

PACKAGE = "@litertjs/core"
VERSION = "2.5.3"
URL = f"https://cdn.jsdelivr.net/npm/{PACKAGE}@{VERSION}/"
LIBRARY = "dist/index.js"
# What a page needs of the package, and the SHA-384 of each file. A browser
# loads the library and one of the three runtimes: for WebAssembly with and
# without relaxed SIMD, and for WebGPU.
RUNTIMES = {
    "wasm/litert_wasm_internal": (
        "NB/Wc4iozynQO5jzJ2VFoMKbqMvwwFGWxJL/o63IJT6W2JfZbsSLxA2cF6H/mLpQ",
        "AZ/Ak4CbDpjqpSr8WsnoL3Dcx6bDFA/k9b/jahok1TGHZ2OqIRjLBMiEmiNedhlC",
    ),
    "wasm/litert_wasm_compat_internal": (
        "oh4nb8zDq6eVOpGeZE5gwDOJ16QujHLL8k/HEXt3XiPxr+8zn3YnkXP8P3BlJET1",
        "glAZ6WjS7tLRt89pbTPXvLC1c7DCaVSfL2ngn5gZJiUuPs76fWYJy7ZeFaD0PJXx",
    ),
    "wasm/litert_wasm_jspi_internal": (
        "Y6/AvIxciaLSzSWRJcd1FVuRAhc/f2HeaLQuYuwdN/Y0aipWnFoBrszL8JHT0GHD",
        "FBGaMKCEjTkeIOEl4TMyiD0fjfNzVbruCGIwX4FQdVmfp4GBiSCTmniGAPU5olS+",
    ),
}
DIGESTS: Mapping[str, str] = {
    LIBRARY: "MapSVJ/DPwvaWpp7q+Bid9O3uY1oB0KOU1QRMP+Mm5zdz5oMme/BUyX6dVAMWnPg",
    **{
        f"{stem}.{ending}": digest
        for stem, digests in RUNTIMES.items()
        for ending, digest in zip(("js", "wasm"), digests, strict=True)
    },
}
# By itself npm tries for more than a minute where there is no network.
_SETTINGS = (
    "--loglevel=error",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
)
# Seconds that npm may take.
_PATIENCE = 300


class NoRuntime(Exception):
    """Npm cannot bring the runtime; the message says why."""


def copy_runtime(target: pathlib.Path, source: Path | None = None) -> None:
    """Puts the runtime into a new folder.

    Args:
        target: the folder, which must not exist.
        source: a folder with the unpacked package, or with `node_modules`; by
            default npm brings it.

    Raises:
        ValueError: if the source is not that version of the package.
        NoRuntime: if npm is to bring it and is not there or fails.
    """
    if source is not None:
        _copy(_find_package(pathlib.Path(source)), target)
        return
    with tempfile.TemporaryDirectory() as folder:
        _copy(_pack(pathlib.Path(folder)), target)


def _find_package(folder: pathlib.Path) -> pathlib.Path:
    for inside in ("", "package", f"node_modules/{PACKAGE}"):
        if (folder / inside / LIBRARY).is_file():
            return folder / inside
    raise ValueError(
        f"--runtime must be a folder with {PACKAGE}, unpacked or in "
        f"node_modules. Received: {folder}. Fix: npm install "
        f"{PACKAGE}@{VERSION}"
    )


def _copy(package: pathlib.Path, target: pathlib.Path) -> None:
    for name, digest in DIGESTS.items():
        file = package / name
        content = file.read_bytes() if file.is_file() else b""
        found = base64.b64encode(hashlib.sha384(content).digest()).decode()
        if found != digest:
            raise ValueError(
                f"The runtime must be {PACKAGE} {VERSION} as its authors "
                f"published it. Received: another {name} in {package}. Fix: "
                f"npm install {PACKAGE}@{VERSION}, and --runtime with its "
                "folder."
            )
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _pack(folder: pathlib.Path) -> pathlib.Path:
    """Has npm bring the package into a folder; returns where it is unpacked."""
    npm = shutil.which("npm")
    if npm is None:
        raise NoRuntime("npm is not installed")
    try:
        subprocess.run(
            [npm, "pack", f"{PACKAGE}@{VERSION}", *_SETTINGS],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
        (archive,) = folder.glob("*.tgz")
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="data")
    except subprocess.CalledProcessError as error:
        lines = [*error.stderr.splitlines(), str(error)]
        reason = lines[0].removeprefix("npm error ").strip()
        raise NoRuntime(f"npm failed: {reason}") from error
    except (OSError, subprocess.SubprocessError, tarfile.TarError) as error:
        raise NoRuntime(f"npm failed: {first_line(error)}") from error
    return _find_package(folder)
