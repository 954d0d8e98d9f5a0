"""Transfer losses: what a student is asked to match of a teacher.

Each comes as a pure function (teacher side first, `keras.ops` only) and a
`TransferLoss` layer that a `Distiller` uses.
"""

from keras_artkd.losses.attention_transfer import (
    AttentionTransfer as AttentionTransfer,
)
from keras_artkd.losses.attention_transfer import attention_map as attention_map
from keras_artkd.losses.attention_transfer import (
    attention_transfer as attention_transfer,
)
from keras_artkd.losses.kd import KD as KD
from keras_artkd.losses.kd import kd as kd
from keras_artkd.losses.logits_l2 import LogitsL2 as LogitsL2
from keras_artkd.losses.logits_l2 import logits_l2 as logits_l2
from keras_artkd.losses.soft_cross_entropy import (
    SoftCrossEntropy as SoftCrossEntropy,
)
from keras_artkd.losses.soft_cross_entropy import (
    soft_cross_entropy as soft_cross_entropy,
)
from keras_artkd.losses.transfer_loss import TransferLoss as TransferLoss
