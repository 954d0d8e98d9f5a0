"""Records of bundles: folders to deploy."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A kind of folder that a finished run's student is given away in.

    A format of `deploy/formats/` is one model that `open_model` opens. A bundle
    is what a place wants around one.

    Attributes:
        name: str, also that of the folder in a run's.
        summary: str, what it is for, of `artkd export --help`.
        files: patterns of the names of all that it writes. A folder that holds
            nothing else may be replaced.
        options: the flags of `artkd export` that it takes, as `write` names
            them.
        write: writes it, whole or not at all; called with the `RunFolder` of a
            finished run, the `pathlib.Path` of the folder, and of `options`
            those that were given. Returns what there is to say of it beyond
            its size.
    """

    name: str
    summary: str
    files: tuple[str, ...]
    options: tuple[str, ...]
    write: Callable[..., str]
