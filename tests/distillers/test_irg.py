"""IRG: which layers it compares."""

from keras_artkd.distillers import build
from keras_artkd.models import ResNet


def test_the_experts_last_layer_guides_the_students_last_three():
    """Of four groups; transformations are from each group to the next."""
    networks = [
        ResNet((1, 1, 1, 1), (2, 2, 2, 2), 4, (16, 16, 3)) for _ in range(2)
    ]
    _, edges, transformation = build("irg", *networks).transfer_losses
    assert edges.pairs == (
        ("features", "group2"),
        ("features", "group3"),
        ("features", "features"),
    )
    groups = [f"group{i}" for i in (1, 2, 3, 4)]
    assert transformation.pairs == tuple(zip(groups, groups, strict=True))
