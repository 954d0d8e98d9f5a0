"""Scenes to paint, without a style.

A `Scene` is a list of labelled shapes in the unit square (x right, y down)
with a light and a horizon, drawn from one integer. `Scene.raster` turns it
once into the maps that every style paints from. Two paintings of one scene can
therefore differ only in technique.
"""

import dataclasses
import functools

import numpy as np

from keras_artkd.datasets.atelier.easel import Easel
from keras_artkd.datasets.atelier.palette import Colour
from keras_artkd.datasets.atelier.raster import Raster, rasterise
from keras_artkd.datasets.atelier.shapes import Shape, mirrored
from keras_artkd.datasets.atelier.subjects import COMPOSERS, SUBJECTS


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
    """A subject, its shapes and its light; see `from_seed`."""

    seed: int
    subject: str
    hour: str
    season: str
    horizon: float
    focus: tuple[float, float]
    light: tuple[float, float, float]
    tint: tuple[float, ...]
    contrast: float
    haze: Colour
    shapes: tuple[Shape, ...]

    @classmethod
    def from_seed(cls, seed: int) -> "Scene":
        """Composes the scene of this number, always the same one.

        Subjects alternate with the number. Any run of scenes therefore has all
        of them in equal parts.

        Args:
            seed: int >= 0.
        """
        if not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ValueError(
                "`seed` of a scene must be an integer >= 0. "
                f"Received: seed={seed!r}."
            )
        seed = int(seed)
        rng = np.random.Generator(np.random.PCG64([seed, 1874]))
        subject = SUBJECTS[seed % len(SUBJECTS)]
        easel = Easel(rng)
        COMPOSERS[subject](easel)
        shapes, focus, light = easel.shapes, easel.focus, easel.light
        if rng.random() < 0.5:
            shapes = [mirrored(shape) for shape in shapes]
            focus = (1 - focus[0], focus[1])
            light = (-light[0], light[1], light[2])
        return cls(
            seed=seed,
            subject=subject,
            hour=easel.hour,
            season=easel.season,
            horizon=easel.horizon,
            focus=focus,
            light=light,
            tint=easel.tint,
            contrast=easel.contrast,
            haze=easel.sky_low,
            shapes=tuple(shapes),
        )

    def raster(self, size: int) -> Raster:
        """Rasterises the scene on `size` by `size` pixels: a `Raster`."""
        return rasterise(self, size)


@functools.lru_cache(maxsize=16)
def raster_of(scene_seed: int, size: int) -> Raster:
    """Returns the raster of a scene, shared by all of its paintings."""
    return Scene.from_seed(scene_seed).raster(size)
