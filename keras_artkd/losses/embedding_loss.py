"""The base of losses on how the examples of a batch relate."""

from keras_artkd.losses.transfer_loss import TransferLoss


class EmbeddingLoss(TransferLoss):
    """A transfer loss on one endpoint of each network.

    Networks may differ in channels and in resolution.

    Args:
        pair: `(teacher endpoint, student endpoint)`, by default the last
            features of both.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self, pair=("features", "features"), teacher="expert", **kwargs
    ):
        super().__init__(teacher=teacher, **kwargs)
        self.pair = tuple(pair)
        self.teacher_endpoints = self.pair[:1]
        self.student_endpoints = self.pair[1:]

    def read(self, teacher, student):
        """The two tensors to compare, teacher's first."""
        return teacher[self.pair[0]], student[self.pair[1]]

    def get_config(self):
        """Every constructor argument."""
        return {**super().get_config(), "pair": self.pair}
