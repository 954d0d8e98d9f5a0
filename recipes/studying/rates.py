"""The first learning rate of each cell: the study's, or the best of several.

Losses of several terms make gradients several times larger, and want smaller
rates than the student alone: at one rate for all, the rate is what is compared.
"""

import dataclasses

from keras_artkd.files import read_json
from recipes.common import is_finished


def with_rate(config, rate):
    """The run with another first learning rate, its expert as it was."""
    expert_rate = config.expert_learning_rate
    if config.trains_expert:
        expert_rate = config.expert_config().first_rate
    return dataclasses.replace(
        config, learning_rate=rate, expert_learning_rate=expert_rate
    )


def check_rates(study, rates):
    """Raises ValueError for rates that cannot be tried in a study."""
    if any(not rate > 0 for rate in rates) or len({*rates}) < len(rates):
        raise ValueError(
            "`rates` must be positive, each another. Received: "
            f"rates={' '.join(f'{rate:g}' for rate in rates)}."
        )
    own = [c.name for c in study.cells if "learning_rate" in c.changes]
    if rates and own:
        raise ValueError(
            f"Cells of {study.key} have rates of their own: "
            f"{'; '.join(own)}. Fix: leave out --rates."
        )


def tried(config, rates):
    """What each rate came to: dict of rate -> share, None if not finished.

    Args:
        config: `Config`, the run of a cell with the first seed.
        rates: floats.

    Returns:
        dict of rate -> accuracy of the validation images at the best epoch.
    """
    result = {}
    for rate in rates:
        folder = with_rate(config, rate).run_dir
        result[rate] = None
        if is_finished(folder):
            metrics = read_json(folder / "metrics.json")
            result[rate] = metrics["validation"]["accuracy"]
    return result


def best_rate(shares):
    """The rate with the best share, of equals the smallest.

    Returns:
        float, or None while some rate has not been tried.
    """
    if not shares or None in shares.values():
        return None
    return max(sorted(shares), key=shares.get)
