"""`Config`: every setting of a run, as data.

Settings are in groups (`keras_artkd.runs.settings`, `training_settings`). They
can also be given and read flat: `Config.of(recipe="folder", dataset="folder",
epochs=5)`. What follows from the settings is in the `Plan`
(`keras_artkd.runs.plan`).
"""

import dataclasses
from typing import Any

import tyro

from keras_artkd.catalogue.methods import get_method
from keras_artkd.runs.settings import (
    DataSettings,
    NetworkSettings,
    OutputSettings,
    TeachingSettings,
)
from keras_artkd.runs.training_settings import (
    AugmentationSettings,
    ScheduleSettings,
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Every setting of a run. The defaults are thesis 000's.

    Attributes:
        recipe: str, name of the recipe; its runs lie in `<workdir>/<recipe>/`.
        data: images, splits and labels.
        teaching: the method and its options.
        networks: student and teachers.
        augmentation: changes to training images, for any method.
        schedule: length, learning rate, precision and seed of the training.
        output: what the run leaves behind, and where.
    """

    recipe: tyro.conf.Suppress[str]
    data: DataSettings
    teaching: TeachingSettings = dataclasses.field(
        default_factory=TeachingSettings
    )
    networks: NetworkSettings = dataclasses.field(
        default_factory=NetworkSettings
    )
    augmentation: AugmentationSettings = dataclasses.field(
        default_factory=AugmentationSettings
    )
    schedule: ScheduleSettings = dataclasses.field(
        default_factory=ScheduleSettings
    )
    output: OutputSettings = dataclasses.field(default_factory=OutputSettings)

    def __post_init__(self) -> None:
        side = self.augmentation.cutout_side
        crop = max(self.data.image_size, self.data.crop_size or 0)
        if side is not None and side >= crop:
            raise ValueError(
                "`cutout_side` must be less than the image's. Received: "
                f"cutout_side={side}, image_size={self.data.image_size}."
            )
        if (
            get_method(self.teaching.method).views == "rotations"
            and "sla" in self.augmentation.augment
        ):
            raise ValueError(
                "Method sla_sd rotates images itself, and cannot tell them "
                "from those that --augment sla rotates. Received: "
                f"{self.teaching.method!r}, "
                f"augment={self.augmentation.augment}. Fix: leave one out."
            )

    @classmethod
    def of(cls, recipe: str, dataset: str, **settings: Any) -> "Config":
        """Makes a configuration from flat settings.

        Raises:
            TypeError: for a name that no group has.
        """
        return cls(recipe, DataSettings(dataset)).replace(**settings)

    def replace(self, **settings: Any) -> "Config":
        """A copy with other settings, given flat.

        Raises:
            TypeError: for a name that no group has.
        """
        changes: dict[str, Any] = {}
        if "recipe" in settings:
            changes["recipe"] = settings.pop("recipe")
        if unknown := {*settings} - {*_GROUPS}:
            raise TypeError(f"No settings are called {', '.join(unknown)}.")
        for group in dict.fromkeys(_GROUPS[name] for name in settings):
            changes[group] = dataclasses.replace(
                getattr(self, group),
                **{k: v for k, v in settings.items() if _GROUPS[k] == group},
            )
        return dataclasses.replace(self, **changes)

    def flat(self) -> dict[str, Any]:
        """Every setting by its name, the recipe first."""
        return {"recipe": self.recipe} | {
            name: getattr(getattr(self, group), name)
            for name, group in _GROUPS.items()
        }


# Name of a setting -> the attribute of `Config` that has it.
_GROUPS: dict[str, str] = {
    field.name: group
    for group, kind in (
        ("data", DataSettings),
        ("teaching", TeachingSettings),
        ("networks", NetworkSettings),
        ("augmentation", AugmentationSettings),
        ("schedule", ScheduleSettings),
        ("output", OutputSettings),
    )
    for field in dataclasses.fields(kind)
}
