"""Networks that begin with the layers of another."""

import numpy as np
import pytest

from keras_artkd import models


def test_layers_of_the_same_name_and_shape():
    """At another size; the classifier and the head of the student stay."""
    expert = models.build("efficientnet_lite0", 5, (64, 64, 3))
    student = models.build("efficientnet_lite0_first3", 5, (32, 32, 3))
    before = {w.path: w.numpy() for w in student.weights}
    copied = models.inherit(student, expert)
    assert "stem_conv" in copied and "block3_project_bn" in copied
    assert not any(n.startswith(("neck", "logits")) for n in copied)
    for layer in student.layers:
        if not layer.weights:
            continue
        expected = (
            expert.get_layer(layer.name).get_weights()
            if layer.name in copied
            else [before[w.path] for w in layer.weights]
        )
        for ours, theirs in zip(layer.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_networks_with_nothing_in_common():
    student = models.build("wrn_10_1", 5, (32, 32, 3))
    expert = models.build("efficientnet_lite0", 5, (32, 32, 3))
    with pytest.raises(ValueError, match="none such for.*stem_conv.*_first<k>"):
        models.inherit(student, expert)
