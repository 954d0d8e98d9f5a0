"""Instance relationship graphs: logits, and distances in a batch."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.endpoint_pairs import group_pairs
from keras_artkd.losses import EdgeTransformation, InstanceEdges, LogitsL2

# The expert's last layer guides so many of the student's.
GUIDED = 3


@method(
    space={"edge_weight": Float(0.5, 50.0, sampling="log")},
)
def irg(
    student: keras.Model,
    expert_teacher: keras.Model,
    vertex_weight: float = 0.1,
    edge_weight: float = 5.0,
    transformation_weight: float = 5.0,
    name: str = "irg",
) -> Distiller:
    """`L(y, S) + 0.1 vertices + 5 edges + 5 transformations`.

    Vertices are the logits. Edges are those of the expert's last features,
    for each of the student's last three layers. Transformations are of the
    edges, from each group to the next.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        vertex_weight: float, of the logits' mean squared difference.
        edge_weight: float, of `keras_artkd.losses.instance_edges`.
        transformation_weight: float, of
            `keras_artkd.losses.edge_transformation`.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Liu et al., CVPR 2019; weights of an unofficial PyTorch code,
    Knowledge-Distillation-Zoo, whose transformation is of the vertices.
    """
    groups = group_pairs(expert_teacher, student)
    guided = [learnt for _, learnt in groups[-GUIDED:-1]] + ["features"]
    return Distiller(
        student,
        teachers={"expert": expert_teacher},
        transfer_losses=[
            LogitsL2(),
            InstanceEdges(pairs=[("features", layer) for layer in guided]),
            EdgeTransformation(pairs=groups),
        ],
        transfer_weights=[vertex_weight, edge_weight, transformation_weight],
        name=name,
    )
