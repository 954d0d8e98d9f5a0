"""Processes that a recipe starts on this machine."""

import multiprocessing
import os
from multiprocessing.connection import wait

import tensorflow as tf


def visible_gpus():
    """What CUDA calls the GPUs of this process, `[None]` without any."""
    count = len(tf.config.list_physical_devices("GPU"))
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = named.split(",")[:count] if named else [*map(str, range(count))]
    return gpus or [None]


def use_gpu(gpu):
    """In a process that has not looked for GPUs yet: sees but this one."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu


def end_with_parent():
    """Waits for the end of the parent process, and ends this one with it.

    For a daemon thread of a worker: its parent may be killed.
    """
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
