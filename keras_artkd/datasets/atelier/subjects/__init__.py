"""Subjects of the scenes: a file each, with a `compose(easel)`.

Scenes take the subjects in the order of `SUBJECTS`.
"""

from keras_artkd.datasets.atelier.subjects import (
    city,
    forest,
    harbour,
    interior,
    landscape,
    portrait,
    seascape,
    still_life,
)

COMPOSERS = {
    "landscape": landscape.compose,
    "portrait": portrait.compose,
    "seascape": seascape.compose,
    "still_life": still_life.compose,
    "city": city.compose,
    "forest": forest.compose,
    "harbour": harbour.compose,
    "interior": interior.compose,
}
SUBJECTS = tuple(COMPOSERS)
