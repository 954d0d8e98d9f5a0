"""Networks with named endpoints, and `build` to make them by name."""

import importlib

from keras_artkd.catalogue.networks import NETWORKS as NETWORKS
from keras_artkd.models.densenet import DenseNet as DenseNet
from keras_artkd.models.dianet import DIANet as DIANet
from keras_artkd.models.efficientnet_lite import (
    EfficientNetLite as EfficientNetLite,
)
from keras_artkd.models.endpoints import EndpointModel as EndpointModel
from keras_artkd.models.endpoints import get_endpoints as get_endpoints
from keras_artkd.models.endpoints import with_endpoints as with_endpoints
from keras_artkd.models.ensembles import ensemble as ensemble
from keras_artkd.models.ensembles import mean_prediction as mean_prediction
from keras_artkd.models.exits import ExitModel as ExitModel
from keras_artkd.models.exits import with_exits as with_exits
from keras_artkd.models.exits import without_exits as without_exits
from keras_artkd.models.inheritance import (
    freeze_batch_norm as freeze_batch_norm,
)
from keras_artkd.models.inheritance import (
    freeze_inherited as freeze_inherited,
)
from keras_artkd.models.inheritance import inherit as inherit
from keras_artkd.models.inheritance import is_inherited as is_inherited
from keras_artkd.models.levels import with_levels as with_levels
from keras_artkd.models.mobilenet_v2 import MobileNetV2 as MobileNetV2
from keras_artkd.models.registry import build as build
from keras_artkd.models.resnet import ResNet as ResNet
from keras_artkd.models.rotations import RotationModel as RotationModel
from keras_artkd.models.rotations import rotation_ensemble as rotation_ensemble
from keras_artkd.models.rotations import upright as upright
from keras_artkd.models.rotations import with_rotations as with_rotations
from keras_artkd.models.san import SAN as SAN
from keras_artkd.models.shufflenet_v1 import ShuffleNetV1 as ShuffleNetV1
from keras_artkd.models.shufflenet_v2 import ShuffleNetV2 as ShuffleNetV2
from keras_artkd.models.vgg import VGG as VGG
from keras_artkd.models.wide_resnet import WideResNet as WideResNet

# `keras.models.load_model` must know the class of every network by name.
for _entry in NETWORKS.values():
    importlib.import_module(f"{__name__}.{_entry.module}")
