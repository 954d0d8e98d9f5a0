"""Styles of the paintings: a file each, with a `render(raster, rng)`.

A renderer takes the `Raster` of a scene and a random generator. The generator
varies the size of its marks, the strength of its palette and the tone of its
ground. The renderer returns float RGB `(size, size, 3)`. It may look at nothing
but the raster: the scene says nothing about the style.

Labels are positions in `STYLES`.
"""

from keras_artkd.datasets.atelier.styles import (
    abstract_expressionism,
    art_nouveau,
    baroque,
    byzantine,
    cubism,
    expressionism,
    fauvism,
    impressionism,
    ink_wash,
    pointillism,
    pop_art,
    renaissance,
    ukiyo_e,
    watercolour,
)

RENDERERS = {
    "abstract_expressionism": abstract_expressionism.render,
    "art_nouveau": art_nouveau.render,
    "baroque": baroque.render,
    "byzantine": byzantine.render,
    "cubism": cubism.render,
    "expressionism": expressionism.render,
    "fauvism": fauvism.render,
    "impressionism": impressionism.render,
    "ink_wash": ink_wash.render,
    "pointillism": pointillism.render,
    "pop_art": pop_art.render,
    "renaissance": renaissance.render,
    "ukiyo_e": ukiyo_e.render,
    "watercolour": watercolour.render,
}
STYLES = tuple(RENDERERS)
