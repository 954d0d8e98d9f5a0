"""The method table."""

import difflib

from keras_artkd.distillers.ab import AB_SPACE, ab
from keras_artkd.distillers.attention import ATTENTION_SPACE, attention
from keras_artkd.distillers.baseline import baseline
from keras_artkd.distillers.byot import BYOT_SPACE, PD_BYOT_SPACE, byot, pd_byot
from keras_artkd.distillers.collaborative import (
    COLLABORATIVE_SPACE,
    CTKD,
    CollaborativeTeaching,
)
from keras_artkd.distillers.crd import CRD_SPACE, crd
from keras_artkd.distillers.cs_kd import CS_KD_SPACE, cs_kd
from keras_artkd.distillers.ddgsd import DDGSD_SPACE, ddgsd
from keras_artkd.distillers.dkd import DKD_SPACE, dkd, pr_dkd
from keras_artkd.distillers.fitnet import FITNET_SPACE, fitnet
from keras_artkd.distillers.frskd import FRSKD_SPACE, frskd
from keras_artkd.distillers.kd import KD_SPACE, kd, pr_kd
from keras_artkd.distillers.logits_l2 import LOGITS_L2_SPACE, logits_l2
from keras_artkd.distillers.method import as_method, combination
from keras_artkd.distillers.ms_mgans import MS_MGANS_SPACE, MultiStageDistiller
from keras_artkd.distillers.ofd import OFD_SPACE, ofd
from keras_artkd.distillers.pkt import PKT_SPACE, pkt
from keras_artkd.distillers.pseudo_labels import (
    EQUATION_SPACE,
    MIXED_SPACE,
    PSEUDO_HARD_SPACE,
    PSEUDO_SOFT_SPACE,
    equation,
    mixed,
    pseudo_hard,
    pseudo_soft,
)
from keras_artkd.distillers.reviewkd import REVIEWKD_SPACE, reviewkd
from keras_artkd.distillers.rkd import RKD_SPACE, rkd
from keras_artkd.distillers.rocket import ROCKET_SPACE, rocket
from keras_artkd.distillers.skdsam import SKDSAM_SPACE, skdsam
from keras_artkd.distillers.sla_sd import SLA_SD_SPACE, sla_sd
from keras_artkd.distillers.sp import SP_SPACE, sp
from keras_artkd.distillers.vid import VID_SPACE, vid

METHODS = {
    "baseline": as_method(baseline),
    "kd": as_method(kd, space=KD_SPACE),
    "logits_l2": as_method(logits_l2, space=LOGITS_L2_SPACE),
    "attention": as_method(attention, space=ATTENTION_SPACE),
    "rocket": as_method(rocket, space=ROCKET_SPACE),
    "ctkd": as_method(CTKD, space=COLLABORATIVE_SPACE),
    "collaborative": as_method(
        CollaborativeTeaching, head="awgram", space=COLLABORATIVE_SPACE
    ),
    "fitnet": as_method(fitnet, space=FITNET_SPACE),
    "rkd": as_method(rkd, space=RKD_SPACE),
    "crd": as_method(crd, space=CRD_SPACE),
    "ofd": as_method(ofd, space=OFD_SPACE),
    "reviewkd": as_method(
        reviewkd, space=REVIEWKD_SPACE, epoch_options=("warmup",)
    ),
    "sp": as_method(sp, space=SP_SPACE),
    "pkt": as_method(pkt, space=PKT_SPACE),
    "vid": as_method(vid, space=VID_SPACE),
    "ab": as_method(ab, space=AB_SPACE, epoch_options=("first_stage",)),
    "dkd": as_method(dkd, space=DKD_SPACE, epoch_options=("warmup",)),
    "pr_kd": as_method(pr_kd, space=KD_SPACE),
    "pr_dkd": as_method(pr_dkd, space=DKD_SPACE, epoch_options=("warmup",)),
    "byot": as_method(byot, space=BYOT_SPACE),
    "pd_byot": as_method(pd_byot, space=PD_BYOT_SPACE),
    "skdsam": as_method(skdsam, space=SKDSAM_SPACE),
    "ddgsd": as_method(ddgsd, space=DDGSD_SPACE, views="two"),
    "cs_kd": as_method(cs_kd, space=CS_KD_SPACE, views="class_pairs"),
    "sla_sd": as_method(sla_sd, space=SLA_SD_SPACE, views="rotations"),
    "frskd": as_method(frskd, space=FRSKD_SPACE),
    "ms_mgans": as_method(
        MultiStageDistiller, space=MS_MGANS_SPACE, staged=True
    ),
    "pseudo_hard": as_method(
        pseudo_hard, space=PSEUDO_HARD_SPACE, pseudo_labels="pseudo_hard"
    ),
    "pseudo_soft": as_method(
        pseudo_soft, space=PSEUDO_SOFT_SPACE, pseudo_labels="pseudo_soft"
    ),
    "equation": as_method(
        equation, space=EQUATION_SPACE, pseudo_labels="equation"
    ),
    "mixed": as_method(mixed, space=MIXED_SPACE, pseudo_labels="mixed"),
}


def get_method(name):
    """The row of a method, or of several joined by `+`: a `Method`.

    Args:
        name: str, as `build` takes it.

    Raises:
        ValueError: for an unknown name; it lists the known ones.
    """
    names = name.split("+")
    if len(set(names)) < len(names) or set(names) - set(METHODS):
        unknown = [part for part in names if part not in METHODS]
        near = difflib.get_close_matches("".join(unknown[:1]), METHODS, n=1)
        raise ValueError(
            f"`method` must be one of {', '.join(METHODS)}, or different ones "
            f"joined as in kd+rkd. Received: method={name!r}."
            f"{f' Perhaps you meant {near[0]}.' if near else ''}"
        )
    if len(names) == 1:
        return METHODS[name]
    return combination({part: METHODS[part] for part in names})


def build(method, student, expert=None, initial=None, **options):
    """Makes the distiller of a published method.

    Args:
        method: a key of `METHODS`, or several joined by `+`, as `"kd+rkd"`,
            whose transfer terms add up (see `combination`).
        student: the network to train, as made; its head is yours to choose
            (`METHODS[method].head` is the published one).
        expert: a trained teacher, which is frozen; ignored by methods that
            have none.
        initial: an untrained teacher to train along; ignored likewise.
        **options: the method's own, such as `temperature`; of several
            methods `**{"kd.temperature": 2.0}`.

    Returns:
        An uncompiled `Distiller`. Its `compile` takes an optimizer and
        metrics and defaults to cross-entropy from logits. Its batches have
        the views that `get_method(method).views` says (see
        `keras_artkd.data.training_dataset`). Some methods give the student
        exits: what to save is then the model that was passed, not the
        distiller's.

    Raises:
        ValueError: for an unknown method or option, or a missing teacher.

    Example:
    >>> from keras_artkd import models
    >>> student = models.build("wrn_10_1", 5, input_shape=(32, 32, 3))
    >>> build("baseline", student).name
    'baseline'
    """
    row = get_method(method)
    unknown = [name for name in options if name not in row.options]
    if unknown:
        raise ValueError(
            f"Method {method!r} has the options "
            f"{', '.join(row.options) or '(none)'}. "
            f"Received: {', '.join(unknown)}."
        )
    networks = row.networks(method, expert, initial)
    # TensorFlow takes no plus in a name.
    name = method.replace("+", "-")
    return row.make(student, **networks, **options, name=name)
