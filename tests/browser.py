"""Chromium and packages of npm, for the tests that need a real browser."""

import contextlib
import pathlib
import shutil
import subprocess
import tarfile

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NPM = shutil.which("npm")
_FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A page that is loaded from here has an origin, which a file has not, and no
# server behind it.
ORIGIN = "http://page.test"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
}


@contextlib.contextmanager
def launched(*flags, gpu=False):
    """Context with a headless Chromium; skips the test where there is none.

    Args:
        *flags: of its command line.
        gpu: whether it may use one.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=[*_FLAGS, *([] if gpu else ["--disable-gpu"]), *flags],
        )
        try:
            yield browser
        finally:
            browser.close()


def serve(page, folders):
    """Lets a page load the files of some folders, and nothing else.

    Args:
        page: Playwright's page.
        folders: dict of the first part of a URL's path -> folder.
    """

    def answer(route):
        name, _, rest = route.request.url.removeprefix(f"{ORIGIN}/").partition(
            "/"
        )
        path = pathlib.Path(folders.get(name, "/nowhere"), rest)
        if not path.is_file():
            route.abort()
            return
        kind = _TYPES.get(path.suffix, "application/octet-stream")
        route.fulfill(path=path, content_type=kind)

    page.route("**/*", answer)


def unpacked(package, members, folder):
    """Folder with some files of a package of npm, downloaded once.

    Args:
        package: `name@version`.
        members: names of files in the package, such as `dist/ort.min.mjs`;
            packages are large.
        folder: where to put them, without their own folders.
    """
    if NPM is None:
        pytest.skip("no npm")
    done = folder / "done"
    if done.exists():
        return folder
    folder.mkdir(exist_ok=True)
    made = subprocess.run(
        [NPM, "pack", "--silent", package],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        pytest.skip(f"npm cannot give {package}: {made.stderr[:200]}")
    path = folder / made.stdout.strip()
    with tarfile.open(path) as archive:
        for name in members:
            with archive.extractfile(f"package/{name}") as file:
                target = folder / pathlib.PurePath(name).name
                target.write_bytes(file.read())
    path.unlink()
    done.touch()
    return folder
