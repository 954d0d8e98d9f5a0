"""The main job in minutes: a small network learns painting styles.

    python -m recipes.demo

On `atelier`, which the package paints itself: an expert is trained, then the
same small student alone and by the thesis's method, with the same seed and
epochs. Leaves three runs in saved_models/demo/ and prints them side by side.
"""

import dataclasses

from recipes.common import load_data, main, run
from recipes.config import Config

CONFIG = Config(
    recipe="demo",
    dataset="atelier",
    data_options={"scenes": 160},
    image_size=32,
    student="wrn_10_1",
    initial="wrn_16_2",
    expert_network="wrn_16_2",
    feature_scale=8.0,
    epochs=20,
    batch_size=64,
    learning_rate=0.05,
)


def compare(config):
    """Runs the student with and without teachers; prints both.

    Returns:
        dict of method -> the run's metrics.
    """
    data = load_data(config)
    results = {}
    for method in ("baseline", config.method):
        results[method] = run(
            dataclasses.replace(config, method=method), data
        )
    print("\nThe same student, test split of scenes it has never seen:")
    for method, metrics in results.items():
        test = metrics["test"]
        print(
            f"  {method:14} {test['accuracy']:7.2%} "
            f"({metrics['parameters']:,} parameters)"
        )
    expert = results[config.method]["expert"]
    print(
        f"  {'its expert':14} {expert['test_accuracy']:7.2%} "
        f"({expert['parameters']:,} parameters)"
    )
    return results


if __name__ == "__main__":
    raise SystemExit(main(CONFIG, __doc__, compare))
