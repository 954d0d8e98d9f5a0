"""The main job in minutes: a small network learns painting styles.

    python -m recipes.demo

On `atelier`, which the package paints itself: an expert is trained, then the
same small student alone and by the thesis's method, with the same seed and
epochs. Leaves three runs in saved_models/demo/ and prints them side by side.
"""

import dataclasses

from keras_artkd.distillers.registry import get_method
from recipes.common import load_data, main, run_or_read
from recipes.config import Config
from recipes.networks import check_student

CONFIG = Config(
    recipe="demo",
    dataset="atelier",
    data_options={"scenes": 160},
    image_size=32,
    student="wrn_10_1",
    initial="wrn_10_1",
    expert_network="wrn_16_2",
    expert_learning_rate=0.02,
    feature_scale=8.0,
    epochs=30,
    batch_size=32,
    # The teachers' terms make gradients several times larger: the method
    # wants a small rate, as the thesis's 0.01 for batches of 128 is.
    learning_rate=0.005,
)


def compare(config):
    """Runs the student with and without teachers; prints both.

    Returns:
        dict of method -> the run's metrics.
    """
    if not get_method(config.method).needs_expert:
        raise ValueError(
            "The demo compares a method that has an expert with the "
            f"baseline. Received: method={config.method!r}."
        )
    # Before the baseline is trained.
    check_student(config)
    data = load_data(config)
    baseline = dataclasses.replace(config, method="baseline", options={})
    results = {row.method: run_or_read(row, data) for row in (baseline, config)}
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
