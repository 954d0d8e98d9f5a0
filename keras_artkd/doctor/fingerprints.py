"""Comparison of thumbnails: pairs that show nearly the same picture.

A perceptual hash finds candidates quickly. Then the edges of the thumbnails,
moved over each other, and the colours decide.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from keras_artkd.doctor.colours import alike
from keras_artkd.doctor.neighbours import CODE_BITS, close_pairs
from keras_artkd.types import Array

SIDE = 32  # Of a thumbnail, pixels.
# Correlation of edges at the best fit. Among 1,932 different paintings no two
# whose hashes differ in at most 13 bits had more than 0.76. Of their copies all
# were found at JPEG quality 50, at half the size and without 3 % of each side;
# 99.4 % without 5 % of each side; 99.1 % brightened by a quarter. Nothing else
# was found.
SIMILAR = 0.93
# With a lower standard deviation of grey levels a hash is one of noise.
_PLAIN = 3.0
# What a mirror image may leave to 1, of what the picture as it is leaves. If
# that fits nearly as well, the two share what is symmetric, as a round frame.
_MIRRORED = 0.25
# Grey levels, root of the mean square of second differences. With less there is
# a gradient and nothing else, as in any monochrome under a lamp: 1 of 1,932
# paintings.
_FLAT = 6.0

_MARGINS = (0.0, 0.03, 0.06)  # Shares of a side that a copy may lack.
_LOOKED_UP = (0.0, 0.03)  # A hash survives a crop of about half as much.
# Of 90,000 candidates in 60,000 photographs of CIFAR-100 fewer than half pass.
# Of the copies above all pass but 0.2 % of those without 5 % of each side.
_WORTH_A_LOOK = 0.5
_GLANCE = 8  # Pixels.
_VIEW = 16  # Pixels, in which thumbnails are compared.
_CHUNK = 128  # Pairs compared at a time: 40 MB.


def thumbnail(pixels: Array) -> Array:
    """Grey `(32, 32)` uint8 of a uint8 `(height, width, 3)` array."""
    image = Image.fromarray(pixels).convert("L")
    return np.array(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def plain(thumbnails: Array) -> Array:
    """Whether thumbnails `(n, 32, 32)` are of almost one grey: bool `(n,)`."""
    return thumbnails.std(axis=(1, 2)) < _PLAIN


def near_pairs(thumbnails: Array, colours: Array) -> tuple[Array, Array, Array]:
    """Finds pairs that show nearly the same picture, or its mirror image.

    It finds copies that were encoded again, resized, brightened, made grey or
    cropped by up to about 5 % of each side, and then mirrored, left to right.
    It does not find turned ones, nor one composition in other colours. Plain
    thumbnails have no features to compare and are in no pair.

    Args:
        thumbnails: uint8 `(n, 32, 32)`.
        colours: uint8 `(n, 4, 4, 3)`, see `keras_artkd.doctor.colours`.

    Returns:
        `(pairs, similarities, mirrored)`: int64 `(m, 2)` positions, the lower
        first, each pair once; float32 `(m,)`, correlations of at least
        `SIMILAR`; and bool `(m,)`, whether one is the mirror image of the
        other. These come last; both parts are sorted. A symmetric picture
        counts as not mirrored.
    """
    featured = np.flatnonzero(~plain(thumbnails))
    thumbnails, colours = thumbnails[featured], colours[featured]
    upright, similarities = _near(thumbnails, thumbnails, colours, colours)
    mirrored, others = _near(
        thumbnails[:, :, ::-1], thumbnails, colours[:, :, ::-1], colours
    )
    as_they_are = similarity(*thumbnails[mirrored.T])
    new = 1 - others < _MIRRORED * (1 - as_they_are)
    new &= ~np.isin(_numbers(mirrored), _numbers(upright))
    pairs = np.concatenate([upright, mirrored[new]])
    flags = np.arange(len(pairs)) >= len(upright)
    return featured[pairs], np.concatenate([similarities, others[new]]), flags


def _near(
    queries: Array, thumbnails: Array, query_colours: Array, colours: Array
) -> tuple[Array, Array]:
    """Pairs of which the first's query is nearly the second's thumbnail."""
    codes = _codes(thumbnails, 0.0)
    pairs = np.concatenate(
        [close_pairs(_codes(queries, margin), codes) for margin in _LOOKED_UP]
    )
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    first, second = pairs.T
    stay = _glance(queries[first], thumbnails[second]) >= _WORTH_A_LOOK
    flat = _flat(thumbnails)
    stay &= alike(
        query_colours[first], colours[second], flat[first] | flat[second]
    )
    first, second = pairs[stay].T
    similarities = similarity(queries[first], thumbnails[second])
    similar = similarities >= SIMILAR
    return pairs[stay][similar], similarities[similar]


def _numbers(pairs: Array) -> Array:
    """A number for each pair of positions below 2^31."""
    return (pairs[:, 0] << 32) | pairs[:, 1]


def _flat(thumbnails: Array) -> Array:
    """Whether there is hardly any structure to compare: bool `(n,)`."""
    grey = _shrunk(thumbnails, _VIEW)
    squares = [
        (np.diff(grey, 2, axis=axis) ** 2).mean(axis=(1, 2)) for axis in (1, 2)
    ]
    flat: Array = np.sqrt(np.mean(squares, axis=0)) < _FLAT
    return flat


def similarity(first: Array, second: Array) -> Array:
    """Correlation of the edges of thumbnails, where they fit best.

    The whole of each is compared with every view of the other without 0, 3 or
    6 % of each side. Brightness and contrast cancel. A background that many
    photographs share counts little.

    Args:
        first: uint8 `(n, 32, 32)`.
        second: uint8 `(n, 32, 32)`.

    Returns:
        float32 `(n,)`, at most 1.
    """
    result = np.empty(len(first), "float32")
    for start in range(0, len(first), _CHUNK):
        mine = slice(start, start + _CHUNK)
        one, two = _edges(first[mine]), _edges(second[mine])
        result[mine] = np.maximum(_best_fit(one, two), _best_fit(two, one))
    return result


def _glance(first: Array, second: Array) -> Array:
    """Correlation of coarse edges, not moved: cheap, discards most pairs."""
    one, two = _coarse_edges(first), _coarse_edges(second)
    norms = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    return (one * two).sum(axis=1) / np.maximum(norms, 1e-6)


def _coarse_edges(thumbnails: Array) -> Array:
    """Gradients of thumbnails of 8 x 8 pixels: float32 `(n, 112)`."""
    coarse = _shrunk(thumbnails, _GLANCE)
    edges = [np.diff(coarse, axis=axis) for axis in (1, 2)]
    return np.concatenate(
        [e.reshape(len(e), _GLANCE * (_GLANCE - 1)) for e in edges], axis=1
    )


def _shrunk(thumbnails: Array, side: int) -> Array:
    """Thumbnails of fewer pixels: float32 `(n, side, side)`."""
    block = SIDE // side
    shape = len(thumbnails), side, block, side, block
    return thumbnails.reshape(shape).mean(axis=(2, 4), dtype="float32")


def _codes(thumbnails: Array, margin: float) -> Array:
    """Perceptual hashes of the part inside a margin: uint64 `(n,)`.

    Each of 48 bits says whether one of the lowest frequencies, without the
    mean, is above their median.
    """
    frequencies = np.arange(_COSINES.shape[0])
    square = frequencies[:, None] ** 2 + frequencies**2
    lowest = np.argsort(square, axis=None, kind="stable")[1 : CODE_BITS + 1]
    transform = _COSINES @ _resampler(margin, margin, SIDE)
    spectrum = transform @ thumbnails.astype("float32") @ transform.T
    rows, columns = np.divmod(lowest, len(frequencies))
    spectrum = spectrum[:, rows, columns]
    above = spectrum > np.median(spectrum, axis=1, keepdims=True)
    weights = np.uint64(1) << np.arange(CODE_BITS, dtype="uint64")
    return np.where(above, weights, np.uint64(0)).sum(axis=1, dtype="uint64")


def _cosines(count: int) -> Array:
    """The `count` lowest functions of the discrete cosine transform."""
    places = (np.arange(SIDE) + 0.5) / SIDE
    waves = np.cos(np.pi * np.arange(count)[:, None] * places)
    return waves.astype("float32")


def _resampler(before: float, after: float, size: int) -> Array:
    """Matrix `(size, 32)` that averages a line into `size` equal parts.

    It leaves out the shares `before` and `after` at the ends of the line.
    """
    edges = np.linspace(before, 1 - after, size + 1) * SIDE
    pixels = np.arange(SIDE)
    overlap = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(
        pixels, edges[:-1, None]
    )
    weights = np.clip(overlap, 0, None)
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")


def _edges(thumbnails: Array) -> tuple[Array, Array]:
    """Gradients of views without every combination of margins.

    Returns:
        Two float32 arrays, across `(n, v, 16, v, 15)` and down
        `(n, v, 15, v, 16)`; the first view is the whole.
    """
    count = len(_MARGINS) ** 2
    # One large product for each direction, not two small ones a thumbnail.
    grey = thumbnails.astype("float32")
    rows = np.tensordot(grey, _RESAMPLERS, axes=(1, 1))
    views = np.tensordot(rows, _RESAMPLERS, axes=(1, 1))
    views = views.reshape(len(views), count, _VIEW, count, _VIEW)
    return np.diff(views, axis=4), np.diff(views, axis=2)


def _best_fit(wholes: Sequence[Array], views: Sequence[Array]) -> Array:
    """Highest correlation of each whole with any view of the other."""
    wholes = [edges[:, 0, :, 0] for edges in wholes]
    products = sum(
        np.einsum("npyqx,nyx->npq", view, whole)
        for view, whole in zip(views, wholes, strict=True)
    )
    squares = sum(np.einsum("npyqx,npyqx->npq", v, v) for v in views)
    whole_squares = sum((whole**2).sum(axis=(1, 2)) for whole in wholes)
    norms = np.sqrt(squares * whole_squares[:, None, None])
    return (products / np.maximum(norms, 1e-6)).max(axis=(1, 2))


_COSINES = _cosines(12)
_RESAMPLERS = np.concatenate(
    [_resampler(a, b, _VIEW) for a in _MARGINS for b in _MARGINS]
)
