"""Whether a training went astray."""

import math
from collections.abc import Mapping

# The most of an epoch's losses. Guessing among a million classes has a
# cross-entropy of 14, and a network that is surely wrong some tens: a thousand
# comes of weights that explode. All losses together, whatever they weigh, have
# more room.
_MOST = {"supervised": 1e3, "loss": 1e9}


def why_diverged(logs: Mapping[str, float]) -> str | None:
    """Says how an epoch's losses show that a training went astray.

    Args:
        logs: what the epoch logged: `loss`, and where there is one the
            cross-entropy of the labels, `supervised`.

    Returns:
        str, what was received; None for a training that did not.
    """
    for name, most in _MOST.items():
        value = logs.get(name, 0.0)
        if not math.isfinite(value) or abs(value) > most:
            return f"{name} = {value:.3g}"
    return None
