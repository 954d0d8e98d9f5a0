"""Layers in NumPy, float64, written from their definitions."""

import numpy as np


def convolve(x, kernel, strides=1):
    """A convolution that pads half a kernel of zeros on each side."""
    size = kernel.shape[0]
    pad = size // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(
        x, (size, size), axis=(1, 2)
    )[:, ::strides, ::strides]
    return np.einsum("bhwcij,ijcf->bhwf", windows, kernel)


def normalise(x, weights):
    """Batch normalisation in inference, of (gamma, beta, mean, variance)."""
    gamma, beta, mean, variance = weights
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def relu(x):
    return np.maximum(x, 0)
