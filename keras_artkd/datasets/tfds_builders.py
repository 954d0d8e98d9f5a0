"""The builders that TFDS brings along."""

import inspect


def find_builder(name, data_dir=None):
    """TFDS's builder of a data set, prepared or not.

    Args:
        name: str, as TFDS names it, with the versions that will do if need be.
        data_dir: TFDS directory, where prepared data is found and put; TFDS's
            own by default.

    Returns:
        `tfds.core.DatasetBuilder`.
    """
    import tensorflow_datasets as tfds

    set_code_path(tfds.builder_cls(name.partition(":")[0]))
    return tfds.builder(name, data_dir=data_dir)


def set_code_path(builder_class):
    """Tells a builder where its class lies, its README and checksums beside it.

    TFDS 4.9.10 finds out by `importlib_resources`, which it does not require
    on the Pythons that it runs on.
    """
    from etils import epath

    builder_class.code_path = epath.Path(inspect.getfile(builder_class))
