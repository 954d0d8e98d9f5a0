"""Collaborative teaching for knowledge distillation, before thesis 000."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.distillers.methods.collaborative import (
    SPACE,
    CollaborativeTeaching,
)
from keras_artkd.losses import SoftCrossEntropy


@method(name="ctkd", space=SPACE)
@keras.saving.register_keras_serializable("keras_artkd")
class CTKD(CollaborativeTeaching):
    """The collaborative teaching from which the thesis starts.

    Differs from `CollaborativeTeaching` in two points: the soft term is the
    cross-entropy H(softmax(T1 / T), softmax(S / T)) without the factor T^2,
    and the student has a pooling head. The arguments are the same.

    Reference: Zhao et al., "Highlight Every Step: Knowledge Distillation via
    Collaborative Teaching", 2019, https://arxiv.org/abs/1907.09643, as
    described in thesis 000, sections 2.4 and 3.3.
    """

    soft_target_loss = SoftCrossEntropy
