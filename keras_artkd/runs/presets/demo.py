"""The main job in minutes: a small network learns painting styles.

    artkd train --recipe demo

On `atelier`, which the package paints itself. An expert is trained, then the
same small student twice, alone and by the thesis's method, with the same seed
and epochs. The command leaves three runs in saved_models/demo/ and prints them
side by side. With a method that has no expert it trains that student alone.
"""

from typing import Any

from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import Plan

CONFIG = Config.of(
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
    # The teachers' terms make gradients several times larger. Therefore the
    # method needs a small rate, as the thesis's 0.01 for batches of 128 is.
    learning_rate=0.005,
)


def job(plan: Plan) -> dict[str, Any]:
    """Runs the student with and without teachers; see `demo.compare`."""
    # Imported here: flags are checked without Keras.
    from keras_artkd.runs.demo import compare

    return compare(plan)
