"""Relations of an expert's predictions, in place of the predictions."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float, Space
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.losses import InterClassRelation, IntraClassRelation

SPACE: Space = {
    "temperature": Float(1.0, 8.0, sampling="log"),
    "beta": Float(0.25, 4.0, sampling="log"),
    "gamma": Float(0.25, 4.0, sampling="log"),
}


@method(space=SPACE)
def dist(
    student: keras.Model,
    expert_teacher: keras.Model,
    temperature: float = 1.0,
    beta: float = 1.0,
    gamma: float = 1.0,
    name: str = "dist",
) -> Distiller:
    """`L(y, S) + beta inter(expert, S) + gamma intra(expert, S)`.

    Both are T^2 times one minus a correlation of probabilities: over the
    classes of each example (inter), and over a batch's examples in each class
    (intra). Meant for experts that are much stronger than the student.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T.
        beta: float, weight of the relation among the classes.
        gamma: float, weight of the relation in each class. Both are 1 in the
            authors' loss, and 2 where MMRazor trains ResNet-18 with it.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Huang et al., 2022, https://arxiv.org/abs/2205.10536; defaults
    of the authors' code.
    """
    return Distiller(
        student,
        teachers={"expert": expert_teacher},
        transfer_losses=[
            InterClassRelation(temperature),
            IntraClassRelation(temperature),
        ],
        transfer_weights=[beta, gamma],
        name=name,
    )
