"""The same training in plain PyTorch, for `benchmarks.against_pytorch`.

    python benchmarks/pytorch_worker.py BATCH_SIZE

Reads lines `CANDIDATE STEPS`, and answers each with seconds. It imports nothing
of this package, so that any Python that has torch can run it.
"""

import copy
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

CLASSES = 100


class Block(nn.Module):
    """A pre-activation basic block."""

    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.shortcut = (
            None
            if inputs == filters
            else nn.Conv2d(inputs, filters, 1, stride, bias=False)
        )

    def forward(self, x):
        """The output of a map."""
        active = F.relu(self.norm1(x), inplace=True)
        kept = x if self.shortcut is None else self.shortcut(active)
        x = F.relu(self.norm2(self.conv1(active)), inplace=True)
        return self.conv2(x) + kept


def wide_resnet(depth, width):
    """WRN-depth-width with pooling, of pixels that are scaled already."""
    layers, inputs = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)], 16
    for group in range(3):
        filters = 16 * width * 2**group
        for block in range((depth - 4) // 6):
            stride = 2 if group and not block else 1
            layers.append(Block(inputs, filters, stride))
            inputs = filters
    return nn.Sequential(
        *layers,
        nn.BatchNorm2d(inputs),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(inputs, CLASSES),
    )


class Training:
    """Steps of KD (Hinton, 2015) with SGD, of one way to run the networks."""

    def __init__(self, way, teacher, student, batch_size):
        self.teacher = copy.deepcopy(teacher).eval().requires_grad_(False)
        self.student = copy.deepcopy(student).train()
        self.images = torch.rand(batch_size, 3, 32, 32)
        self.labels = torch.randint(CLASSES, (batch_size,))
        if way != "eager":
            form = torch.channels_last
            self.teacher = self.teacher.to(memory_format=form)
            self.student = self.student.to(memory_format=form)
            self.images = self.images.contiguous(memory_format=form)
        self.optimizer = torch.optim.SGD(
            self.student.parameters(), 0.01, momentum=0.9, weight_decay=5e-4
        )
        self.bfloat16 = way.endswith("bfloat16")
        self.loss = self.compute_loss
        if way.startswith("compiled"):
            self.loss = torch.compile(self.compute_loss)

    def compute_loss(self, images, labels):
        """The objective of a batch, a scalar."""
        with torch.no_grad():
            taught = self.teacher(images).float()
        logits = self.student(images).float()
        soft = F.kl_div(
            F.log_softmax(logits / 4, 1),
            F.softmax(taught / 4, 1),
            reduction="batchmean",
        )
        return 0.1 * F.cross_entropy(logits, labels) + 0.9 * 16 * soft

    def run(self, steps):
        """Seconds of as many steps."""
        start = time.perf_counter()
        for _ in range(steps):
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
                loss = self.loss(self.images, self.labels)
            loss.backward()
            self.optimizer.step()
        loss.item()
        return time.perf_counter() - start


def main(batch_size):
    torch.manual_seed(0)
    networks = wide_resnet(40, 2), wide_resnet(16, 2)
    trainings = {}
    for line in sys.stdin:
        way, steps = line.split()
        if way not in trainings:
            trainings[way] = Training(way, *networks, batch_size)
        print(trainings[way].run(int(steps)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
