"""Least-squares losses of an adversary and of the network it judges."""

from keras import ops

from keras_artkd.types import Tensor


def discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """`((r - 1)^2 + f^2) / 2`: the real should score 1, the fake 0.

    Args:
        real_scores: `(batch,)`.
        fake_scores: `(batch,)`.

    Returns:
        `(batch,)`, float32. 0.25 where both score 0.5: the adversary
        cannot tell them apart.

    Reference: Mao et al., "Least Squares Generative Adversarial Networks",
    2016, https://arxiv.org/abs/1611.04076, eq 9.
    """
    real_scores, fake_scores = (
        ops.cast(scores, "float32") for scores in (real_scores, fake_scores)
    )
    return (ops.square(real_scores - 1.0) + ops.square(fake_scores)) / 2.0


def generator_loss(fake_scores: Tensor) -> Tensor:
    """`(f - 1)^2 / 2`: the fake should score like the real.

    Args:
        fake_scores: `(batch,)`.

    Returns:
        `(batch,)`, float32.

    Reference: Mao et al., 2016, https://arxiv.org/abs/1611.04076, eq 9.
    """
    return ops.square(ops.cast(fake_scores, "float32") - 1.0) / 2.0
