"""The space of a search, and the plan of a trial."""

from collections.abc import Mapping
from typing import Any

from keras_artkd.catalogue.spaces import Float, Space
from keras_artkd.runs.plan import Plan, resolve

# The searched learning rates lie up to so many times below and above the
# recipe's.
RATE_FACTOR = 10.0


def search_space(plan: Plan) -> Space:
    """The settings that a search of a plan varies.

    The learning rate, and what the method declares, without the options that
    the configuration sets: those stay as they are set.

    Returns:
        dict name -> `Float` or `Choice`.
    """
    space: Space = {
        name: values
        for name, values in plan.method.space.items()
        if name not in plan.config.teaching.given_options
    }
    rate = plan.first_rate
    space["learning_rate"] = Float(
        rate / RATE_FACTOR, rate * RATE_FACTOR, sampling="log"
    )
    return space


def trial_settings(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's values of what is searched, name -> value.

    Numbers have four digits: enough, short to read, and the same on both
    sides of Keras Tuner's wire, which carries 32 bits.
    """
    return {
        name: float(f"{values[name]:.4g}")
        if isinstance(values[name], float)
        else values[name]
        for name in space
    }


def trial_plan(
    plan: Plan, settings: Mapping[str, Any], epochs: int | None = None
) -> Plan:
    """The plan of a trial.

    Args:
        plan: `Plan` of the search.
        settings: dict, `trial_settings` of the trial.
        epochs: int, or None for those of the search.

    Returns:
        `Plan`, of the same expert whatever is searched.
    """
    config = plan.config
    options = {k: v for k, v in settings.items() if k != "learning_rate"}
    changes = {
        "learning_rate": settings["learning_rate"],
        "options": {**config.teaching.options, **options},
        "epochs": epochs or config.schedule.epochs,
    }
    if plan.expert:
        changes["expert_epochs"] = plan.expert.config.schedule.epochs
        changes["expert_learning_rate"] = plan.expert.first_rate
    return resolve(config.replace(**changes))
