"""Joined methods: one distiller trains, saves and resumes them all."""

import keras
import pytest

from tests.distillers.networks import (
    assert_same_next_step,
    batch,
    make,
    same,
    snapshot,
)


def test_a_combination_trains_saves_and_resumes(tmp_path):
    options = {
        "ab.first_stage": 1,
        "dkd.warmup": 2,
        "crd.num_negatives": 40,
        "crd.embedding_dim": 8,
    }
    distiller = make("ab+dkd+crd", **options)
    assert distiller.name == "ab-dkd-crd"
    distiller.compile(
        keras.optimizers.SGD(0.01, momentum=0.9), run_eagerly=True
    )
    images, labels = batch()
    logs = distiller.fit(
        images, labels, epochs=2, shuffle=False, verbose=0
    ).history
    # No label counts in the first epoch.
    expected = 0.003 * logs["activation_boundary"][0]
    assert logs["loss"][0] == pytest.approx(expected, rel=1e-5)
    distiller.save(tmp_path / "d.keras")
    restored = keras.models.load_model(tmp_path / "d.keras")
    assert same(snapshot(restored), snapshot(distiller))
    assert_same_next_step(restored, distiller, (images, labels), 2)
