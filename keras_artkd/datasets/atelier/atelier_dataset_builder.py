"""The `atelier` paintings as a TensorFlow data set."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow_datasets as tfds
from etils import epath

from keras_artkd.datasets.atelier.generate import generate
from keras_artkd.datasets.atelier.splits import split_scenes
from keras_artkd.datasets.atelier.styles import STYLES

# Number of scenes that are painted, and kept in memory, at a time.
_BLOCK = 240


@dataclasses.dataclass
class AtelierConfig(tfds.core.BuilderConfig):
    """The number and the size of the paintings.

    Attributes:
        scenes: number of scenes, at least 4 to fill three splits; each gives
            one painting in every style.
        size: width and height, pixels.
    """

    scenes: int = 240
    size: int = 72

    def __post_init__(self) -> None:
        """Checks that no split would be empty."""
        if self.scenes < 4:
            raise ValueError(
                "`scenes` must be at least 4, so that train, validation and "
                f"test have one each. Received: scenes={self.scenes}."
            )


class Builder(tfds.core.GeneratorBasedBuilder):
    """Painted scenes by style, generated; splits share no scene."""

    # TFDS 4.9.10 would find it by `importlib_resources`, which it does not
    # require on the Pythons that it runs on.
    code_path = epath.Path(__file__)

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release: 14 styles, 8 subjects."}
    BUILDER_CONFIGS = [
        AtelierConfig(name="default", description="240 scenes, 72 pixels"),
        AtelierConfig(
            name="large",
            description="1200 scenes, 96 pixels",
            scenes=1200,
            size=96,
        ),
        AtelierConfig(
            name="tiny", description="20 scenes, 32 pixels", scenes=20, size=32
        ),
    ]

    def _info(self) -> tfds.core.DatasetInfo:
        size = self.builder_config.size
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(size, size, 3), encoding_format="png"
                    ),
                    "label": tfds.features.ClassLabel(names=STYLES),
                    "group": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
            disable_shuffling=False,
        )

    def _split_generators(
        self, dl_manager: Any
    ) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        del dl_manager  # nothing to download
        return {
            split: self._generate_examples(scenes)
            for split, scenes in split_scenes(
                self.builder_config.scenes
            ).items()
        }

    def _generate_examples(
        self, scenes: Sequence[int]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        size = self.builder_config.size
        for start in range(0, len(scenes), _BLOCK):
            block = scenes[start : start + _BLOCK]
            images, labels, numbers = generate(block, size)
            for image, label, number in zip(
                images, labels, numbers, strict=True
            ):
                group = f"scene-{number:06d}"
                yield (
                    f"{group}/{STYLES[label]}",
                    {"image": image, "label": int(label), "group": group},
                )
