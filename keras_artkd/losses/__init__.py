"""Transfer losses, by which a student learns from a teacher.

Each is a pure function (teacher side first, `keras.ops` only) and a
`TransferLoss` layer that a `Distiller` uses. In addition: `cross_entropy` and
`label_accuracy` of labels in either form, and `pseudo_targets`, which replace
labels.
"""

from keras_artkd.losses.activation_boundary import (
    ActivationBoundary as ActivationBoundary,
)
from keras_artkd.losses.activation_boundary import (
    activation_boundary as activation_boundary,
)
from keras_artkd.losses.attention_transfer import (
    AttentionTransfer as AttentionTransfer,
)
from keras_artkd.losses.attention_transfer import attention_map as attention_map
from keras_artkd.losses.attention_transfer import (
    attention_transfer as attention_transfer,
)
from keras_artkd.losses.base import EmbeddingLoss as EmbeddingLoss
from keras_artkd.losses.base import PairedLoss as PairedLoss
from keras_artkd.losses.base import PreparedLogits as PreparedLogits
from keras_artkd.losses.base import TemperatureLoss as TemperatureLoss
from keras_artkd.losses.base import TransferLoss as TransferLoss
from keras_artkd.losses.byot import Byot as Byot
from keras_artkd.losses.byot import byot as byot
from keras_artkd.losses.class_relations import (
    InterClassRelation as InterClassRelation,
)
from keras_artkd.losses.class_relations import (
    IntraClassRelation as IntraClassRelation,
)
from keras_artkd.losses.class_relations import (
    inter_class_relation as inter_class_relation,
)
from keras_artkd.losses.class_relations import (
    intra_class_relation as intra_class_relation,
)
from keras_artkd.losses.contrastive import (
    ContrastiveRepresentation as ContrastiveRepresentation,
)
from keras_artkd.losses.contrastive import (
    noise_contrastive as noise_contrastive,
)
from keras_artkd.losses.decoupled_kd import DecoupledKD as DecoupledKD
from keras_artkd.losses.decoupled_kd import decoupled_kd as decoupled_kd
from keras_artkd.losses.feature_refinement import (
    FeatureRefinement as FeatureRefinement,
)
from keras_artkd.losses.feature_refinement import frskd as frskd
from keras_artkd.losses.feature_similarity import (
    PooledSimilarity as PooledSimilarity,
)
from keras_artkd.losses.feature_similarity import (
    SpatialSimilarity as SpatialSimilarity,
)
from keras_artkd.losses.feature_similarity import (
    pooled_similarity as pooled_similarity,
)
from keras_artkd.losses.feature_similarity import (
    spatial_similarity as spatial_similarity,
)
from keras_artkd.losses.gradient_attention import (
    GradientAttention as GradientAttention,
)
from keras_artkd.losses.gradient_attention import (
    gradient_attention as gradient_attention,
)
from keras_artkd.losses.hint import Hint as Hint
from keras_artkd.losses.hint import hint as hint
from keras_artkd.losses.instance_relationship import (
    EdgeTransformation as EdgeTransformation,
)
from keras_artkd.losses.instance_relationship import (
    InstanceEdges as InstanceEdges,
)
from keras_artkd.losses.instance_relationship import (
    edge_transformation as edge_transformation,
)
from keras_artkd.losses.instance_relationship import (
    instance_edges as instance_edges,
)
from keras_artkd.losses.kd import KD as KD
from keras_artkd.losses.kd import kd as kd
from keras_artkd.losses.labels import cross_entropy as cross_entropy
from keras_artkd.losses.labels import label_accuracy as label_accuracy
from keras_artkd.losses.logits_l2 import LogitsL2 as LogitsL2
from keras_artkd.losses.logits_l2 import logits_l2 as logits_l2
from keras_artkd.losses.overhaul import Overhaul as Overhaul
from keras_artkd.losses.overhaul import batch_norm_margins as batch_norm_margins
from keras_artkd.losses.overhaul import overhaul as overhaul
from keras_artkd.losses.perception import (
    PerceptionDecoupledKD as PerceptionDecoupledKD,
)
from keras_artkd.losses.perception import PerceptionKD as PerceptionKD
from keras_artkd.losses.perception import perception as perception
from keras_artkd.losses.probabilistic_transfer import (
    ProbabilisticTransfer as ProbabilisticTransfer,
)
from keras_artkd.losses.probabilistic_transfer import (
    probabilistic_transfer as probabilistic_transfer,
)
from keras_artkd.losses.pseudo_targets import pseudo_targets as pseudo_targets
from keras_artkd.losses.relational import RelationalKD as RelationalKD
from keras_artkd.losses.relational import relational_angle as relational_angle
from keras_artkd.losses.relational import (
    relational_distance as relational_distance,
)
from keras_artkd.losses.review_kd import ReviewKD as ReviewKD
from keras_artkd.losses.review_kd import (
    hierarchical_context as hierarchical_context,
)
from keras_artkd.losses.rotation_distillation import (
    RotationDistillation as RotationDistillation,
)
from keras_artkd.losses.rotation_distillation import sla_sd as sla_sd
from keras_artkd.losses.similarity_preserving import (
    SimilarityPreserving as SimilarityPreserving,
)
from keras_artkd.losses.similarity_preserving import (
    similarity_preserving as similarity_preserving,
)
from keras_artkd.losses.skdsam import Skdsam as Skdsam
from keras_artkd.losses.skdsam import exit_attention as exit_attention
from keras_artkd.losses.skdsam import skdsam as skdsam
from keras_artkd.losses.soft_cross_entropy import (
    SoftCrossEntropy as SoftCrossEntropy,
)
from keras_artkd.losses.soft_cross_entropy import (
    soft_cross_entropy as soft_cross_entropy,
)
from keras_artkd.losses.standardised import (
    StandardisedDecoupledKD as StandardisedDecoupledKD,
)
from keras_artkd.losses.standardised import StandardisedKD as StandardisedKD
from keras_artkd.losses.standardised import standardise as standardise
from keras_artkd.losses.variational_information import (
    VariationalInformation as VariationalInformation,
)
from keras_artkd.losses.variational_information import (
    variational_information as variational_information,
)
from keras_artkd.losses.view_kd import ViewKD as ViewKD
from keras_artkd.losses.view_kd import view_kd as view_kd
from keras_artkd.losses.view_mmd import ViewMMD as ViewMMD
from keras_artkd.losses.view_mmd import view_mmd as view_mmd
