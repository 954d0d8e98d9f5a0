"""Random outputs of networks for several views of each example."""

import numpy as np

random = np.random.default_rng(0)
EXAMPLES, CLASSES, ROTATIONS = 5, 3, 4
# Examples, views, then what each view has.
PAIRS = random.normal(0, 2, (EXAMPLES, 2, CLASSES))
MAPS = random.normal(0, 1, (EXAMPLES, 2, 4, 3, 6))
OWN = random.normal(0, 2, (EXAMPLES, ROTATIONS, CLASSES))
JOINT = random.normal(0, 2, (EXAMPLES, ROTATIONS, CLASSES * ROTATIONS))


def rows(views):
    """As networks give them: the views of each example together."""
    return views.reshape(-1, *views.shape[2:])
