"""The split of the scenes: no scene is in two splits."""

import numpy as np


def split_scenes(scenes: int, seed: int = 0) -> dict[str, list[int]]:
    """Divides scene numbers into splits of 70, 15 and 15 percent.

    Args:
        scenes: number of scenes, at least 4.
        seed: int >= 0.

    Returns:
        dict of "train", "validation" and "test" -> list of scene numbers.
    """
    if scenes < 4:
        raise ValueError(
            "`scenes` must be at least 4, for three splits. "
            f"Received: scenes={scenes}."
        )
    order = np.random.Generator(np.random.PCG64(seed)).permutation(scenes)
    held_out = max(1, round(0.15 * scenes))
    return {
        "train": sorted(order[2 * held_out :].tolist()),
        "validation": sorted(order[:held_out].tolist()),
        "test": sorted(order[held_out : 2 * held_out].tolist()),
    }
