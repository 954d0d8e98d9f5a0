"""Average pooling of feature maps to a given grid."""

from keras import ops

from keras_artkd.types import Tensor


def pool_to(features: Tensor, height: int, width: int) -> Tensor:
    """Average-pools maps to `(batch, height, width, channels)`.

    If the grid divides the map, all windows are equal. Otherwise they are
    adaptive, as PyTorch's `adaptive_avg_pool2d`. The map must be at least as
    large as the grid.
    """
    features = ops.convert_to_tensor(features)
    rows, columns = features.shape[1:3]
    if (rows, columns) == (height, width):
        return features
    if rows % height == 0 and columns % width == 0:
        window = (rows // height, columns // width)
        return ops.average_pool(features, window, strides=window)
    return ops.adaptive_average_pool(features, (height, width))


def pool_to_smaller(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Average-pools two maps to the smaller height and the smaller width."""
    height = min(first.shape[1], second.shape[1])
    width = min(first.shape[2], second.shape[2])
    return pool_to(first, height, width), pool_to(second, height, width)
