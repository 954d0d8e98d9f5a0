"""The place where a scene is composed, from its back to its front."""

from typing import Any

import numpy as np
import numpy.typing as npt

from keras_artkd.datasets.atelier.palette import HOURS, SEASONS, Colour
from keras_artkd.datasets.atelier.shapes import Shape


class Easel:
    """Collects the shapes of one scene; has its hour, season and light.

    Args:
        rng: the scene's random generator. A scene draws everything from here
            and in a fixed order: with one draw more or less, all that follows
            is another scene.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.shapes: list[Shape] = []
        self.hour = str(rng.choice(list(HOURS)))
        self.season = str(rng.choice(list(SEASONS)))
        top, low, tint, contrast = HOURS[self.hour]
        self.sky_top, self.sky_low = self.vary(top), self.vary(low)
        self.tint = tuple(np.array(tint) * rng.uniform(0.94, 1.06, 3))
        self.contrast = contrast * rng.uniform(0.85, 1.15)
        foliage, ground = SEASONS[self.season]
        self.foliage, self.ground = self.vary(foliage), self.vary(ground)
        # Things people made: three colours that go together.
        hue = rng.random()
        spread = rng.choice([0.08, 0.33, 0.42])
        self.accents = [
            self.vary(((hue + k * spread) % 1, 0.52, v))
            for k, v in enumerate((0.75, 0.6, 0.85))
        ]
        self.horizon = rng.uniform(0.38, 0.58)
        self.focus = (0.5, 0.5)
        side = rng.uniform(0.45, 0.75)
        self.light = (-side, -rng.uniform(0.4, 0.65), 0.65)

    @property
    def lamps_lit(self) -> bool:
        """Whether it is late enough for light in the windows."""
        return self.hour in ("night", "dusk")

    def vary(self, hsv: Colour, amount: float = 1.0) -> Colour:
        """Returns the colour, a little different."""
        change = amount * self.rng.normal(0, 1, 3) * (0.02, 0.05, 0.05)
        h, s, v = np.array(hsv) + change
        return (h % 1, min(max(s, 0), 1), min(max(v, 0.05), 1))

    def pick(self) -> Colour:
        """Returns one of the scene's accent colours, varied."""
        return self.vary(self.accents[self.rng.integers(3)])

    def add(
        self,
        label: str,
        points: npt.ArrayLike,
        colour: Colour,
        depth: float = 0.5,
        fade: Colour | None = None,
        **traits: Any,
    ) -> None:
        """Adds a shape in front of all others; `traits` are its attributes."""
        points = np.asarray(points, "float64")
        fade = colour if fade is None else fade
        self.shapes.append(Shape(label, points, colour, fade, depth, **traits))

    def shadow(self, points: npt.ArrayLike, strength: float = 0.8) -> None:
        """Darkens everything added so far."""
        self.add("shadow", points, (0, 0, 0), shadow=strength)

    def blob(
        self,
        label: str,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        depth: float,
        lumps: float = 0.12,
        **traits: Any,
    ) -> None:
        """Adds an ellipse with an uneven outline: foliage, clouds, stones."""
        turn = np.linspace(0, 2 * np.pi, 30, endpoint=False)
        radius = 1 + lumps * sum(
            np.sin(k * turn + self.rng.uniform(0, 6.3)) * w
            for k, w in ((3, 0.7), (5, 0.6), (8, 0.5))
        )
        points = np.stack(
            [x + rx * radius * np.cos(turn), y + ry * radius * np.sin(turn)], 1
        )
        traits = {"roundness": (0.8, 0.8), "follow": 0.8, **traits}
        self.add(label, points, colour, depth, **traits)

    def ridge(
        self,
        label: str,
        level: float,
        height: float,
        colour: Colour,
        depth: float,
        rough: float = 1.0,
        **traits: Any,
    ) -> None:
        """Adds a skyline from edge to edge, filled down to the bottom."""
        x = np.linspace(-0.02, 1.02, 60)
        y = sum(
            np.sin(x * k * 6.3 + self.rng.uniform(0, 6.3)) * rough**i / k
            for i, k in enumerate((0.7, 1.6, 3.1, 6.5, 13))
        )
        top = np.stack([x, level - height * (0.5 + 0.35 * y)], axis=1)
        points = np.concatenate([top, [(1.02, 1.02), (-0.02, 1.02)]])
        self.add(label, points, colour, depth, **traits)
