"""Which formats of pictures are read, and by which extensions they are known.

What Pillow decodes by itself or with a plug-in that is installed. Files from
the internet do not get Pillow's full list: EPS, for example, would start
Ghostscript.
"""

import functools
import importlib.util
import pathlib

from PIL import features

from keras_artkd.types import Path

# Format -> extensions.
_ALWAYS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
# Format -> its name in `PIL.features`, extensions.
_OF_PILLOW = {
    "AVIF": ("avif", (".avif",)),
    "JPEG2000": ("jpg_2000", (".jp2", ".j2k", ".jpf", ".jpx", ".jpc")),
}
_HEIF = (".heic", ".heif", ".hif")
# Pictures of other kinds, which are named and counted, not passed over.
_OTHERS = frozenset(
    (".jxl", ".svg", ".psd", ".xcf", ".eps", ".ai", ".pdf", ".exr", ".hdr")
    + (".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf")
    + (".tga", ".ico", ".pcx", ".djvu")
)


@functools.cache
def readable() -> dict[str, tuple[str, ...]]:
    """Formats that are read here, by Pillow's names, and their extensions."""
    formats = dict(_ALWAYS)
    for name, (feature, suffixes) in _OF_PILLOW.items():
        if features.check(feature):
            formats[name] = suffixes
    if importlib.util.find_spec("pillow_heif"):
        import pillow_heif

        pillow_heif.register_heif_opener()
        formats["HEIF"] = _HEIF
    return formats


@functools.cache
def _suffixes() -> frozenset[str]:
    return frozenset(s for suffixes in readable().values() for s in suffixes)


def is_read(path: Path) -> bool:
    """Whether a file is one of these, by its extension in any case."""
    return pathlib.PurePath(path).suffix.lower() in _suffixes()


def why_unread(path: Path) -> str | None:
    """What kind of picture a file is that is not read here; None if it is none.

    By its extension alone.
    """
    suffix = pathlib.PurePath(path).suffix.lower()
    if suffix in _HEIF:
        return f"a {suffix} picture, which needs: pip install pillow-heif"
    if suffix in _OTHERS or suffix in {
        s for _, suffixes in _OF_PILLOW.values() for s in suffixes
    }:
        return f"a {suffix} picture, which is not read here: convert it"
    return None
