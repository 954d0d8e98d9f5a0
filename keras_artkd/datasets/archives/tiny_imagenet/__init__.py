"""Tiny ImageNet as a TFDS data set."""
