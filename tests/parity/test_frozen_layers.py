"""A frozen layer computes no weight gradient, and no error unless something below it trains: proven by counts.

In full training every product of a layer is executed, so that a layer costs `products` multiply-adds for its gradient,
if it trains, and as many for the error it sends down, if any layer below it trains; nothing else costs any."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tinyprop
from tinyprop.ir.graph import Node
from tinyprop.ir.op import Forward
from tinyprop.ir.ops import Conv2d, Conv2dMaxPool, Dense, ScaleShift
from tinyprop.ir.ops.conv2d import ConvKernels
from tinyprop.ir.oracle import OracleTrainer, run_forward

CLASSES = 5


class Chain(nn.Module):
    """A layer for every kind of kernel, one above the other."""

    shape = (2, 12, 14)
    names = ("general", "near", "depthwise", "wider", "pointwise", "blocked", "pooled", "dense", "head")

    def __init__(self) -> None:
        super().__init__()
        self.general, self.near = nn.Conv2d(2, 3, (2, 3), (1, 2), (1, 0)), nn.Conv2d(3, 4, 3, padding=1)
        self.depthwise, self.wider = nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 4, 5, padding=2, groups=4)
        self.pointwise = nn.Conv2d(4, 5, 1)
        self.blocked, self.pooled = nn.Conv2d(5, 3, 3, padding=1), nn.Conv2d(3, 4, 2, bias=False)
        self.dense, self.head = nn.Linear(16, 7), nn.Linear(7, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in (self.general, self.near, self.depthwise, self.wider, self.pointwise):
            x = layer(x).relu()
        x = F.max_pool2d(self.blocked(x).relu(), 2)
        x = F.max_pool2d(self.pooled(x), (2, 1)).flatten(1)
        return self.head(self.dense(x).relu())


BELOW_IN_CHAIN = {name: Chain.names[:place] for place, name in enumerate(Chain.names)}


class Normed(nn.Module):
    """Batch norms on the sample, behind a convolution, and behind a dense layer."""

    shape = (2, 5, 6)
    names = ("first", "conv", "norm", "dense", "flat", "head")

    def __init__(self) -> None:
        super().__init__()
        self.first, self.conv, self.norm = nn.BatchNorm2d(2), nn.Conv2d(2, 3, 2, bias=False), nn.BatchNorm2d(3)
        self.dense, self.flat, self.head = nn.Linear(60, 7), nn.BatchNorm1d(7), nn.Linear(7, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.conv(self.first(x))).relu()
        return self.head(self.flat(self.dense(x.flatten(1))).relu())


BELOW_IN_NORMED = {name: Normed.names[:place] for place, name in enumerate(Normed.names)}


class Skips(nn.Module):
    """A block that adds its input back and one that adds a projection of it, a concatenation, a layer beside all."""

    shape = (1, 6, 6)

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1)
        self.c, self.d, self.short = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(3, 4, 1, 2)
        self.beside, self.head = nn.Linear(36, 9), nn.Linear(45, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        beside = self.beside(x.flatten(1)).tanh()
        x = self.stem(x).relu()
        x = (x + self.b(self.a(x).relu())).relu()
        x = (self.d(self.c(x).relu()) + self.short(x)).relu()
        return self.head(torch.cat([x.flatten(1), beside], 1))


BELOW_IN_SKIPS = {
    "stem": (),
    "a": ("stem",),
    "b": ("stem", "a"),
    "c": ("stem", "a", "b"),
    "d": ("stem", "a", "b", "c"),
    "short": ("stem", "a", "b"),
    "beside": (),
    "head": ("stem", "a", "b", "c", "d", "short", "beside"),
}


@dataclass(frozen=True)
class Counted:
    """A network, a sample, and what each of its layers costs once."""

    network: tinyprop.Network
    x: np.ndarray
    products: dict[str, int]
    below: dict[str, tuple[str, ...]]

    def expected(self, trainable: Iterable[str]) -> int:
        """Multiply-adds of a backward pass in which these train."""
        training = set(trainable)
        gradients = sum(self.products[name] for name in training)
        return gradients + sum(self.products[name] for name, below in self.below.items() if training & set(below))

    def trainer(self, trainable: Iterable[str]) -> tinyprop.Trainer:
        return self.network.train("full", skip_zero_inputs=False, kernels="size", trainable=trainable)


def taps_at(conv: Conv2d, size: tuple[int, int], row: int, column: int) -> int:
    """Taps of one window that lie inside the image, one by one."""
    top, left = row * conv.stride[0] - conv.padding[0], column * conv.stride[1] - conv.padding[1]
    places = ((top + ky, left + kx) for ky in range(conv.kernel[0]) for kx in range(conv.kernel[1]))
    return sum(0 <= y < size[0] and 0 <= x < size[1] for y, x in places)


def products_of(node: Node, x: np.ndarray, ran: Forward) -> int:
    """Products of each δ with its window: at every output, behind a pool at the winners."""
    if isinstance(node.op, Dense):
        return node.op.inputs * node.op.outputs
    if isinstance(node.op, ScaleShift):
        return x.size
    conv = node.op.conv if isinstance(node.op, Conv2dMaxPool) else node.op
    assert isinstance(conv, Conv2d)
    total = 0
    for channel, row, column in np.ndindex(ran.y.shape):
        y, at = row, column
        if isinstance(node.op, Conv2dMaxPool):
            down, right = divmod(int(ran.aux[channel, row, column]), node.op.pool.kernel[1])
            y, at = row * node.op.pool.kernel[0] + down, column * node.op.pool.kernel[1] + right
        total += taps_at(conv, x.shape[1:], y, at)
    return total * conv.in_channels // conv.groups


def counted(make: Callable[[], nn.Module], below: dict[str, tuple[str, ...]]) -> Counted:
    torch.manual_seed(1)
    model = make()
    network = tinyprop.capture(model, torch.zeros(1, *model.shape), batch_norm="train")
    x = np.random.default_rng(2).normal(size=model.shape).astype(np.float32)
    program = network.train("full").train_program.program
    ran = run_forward(program, x)
    products = {
        node.parameters[0].partition(".")[0]: products_of(node, ran[node.input].y, ran[node.output])
        for node in program.layers
    }
    assert products.keys() == below.keys()
    return Counted(network, x, products, below)


@pytest.fixture(scope="module")
def networks() -> dict[str, Counted]:
    return {
        "chain": counted(Chain, BELOW_IN_CHAIN),
        "normed": counted(Normed, BELOW_IN_NORMED),
        "skips": counted(Skips, BELOW_IN_SKIPS),
    }


def test_the_chain_has_every_kind_of_kernel(networks) -> None:
    program = networks["chain"].network.train("full").train_program.program
    shapes = [(node.op, program.value_in(node).shape) for node in program.layers]
    assert {op.kernels(shape) for op, shape in shapes if isinstance(op, Conv2d)} == set(ConvKernels)
    assert {op.blocked(shape) for op, shape in shapes if isinstance(op, Conv2dMaxPool)} == {True, False}


SINGLE = [("chain", (name,)) for name in Chain.names] + [("skips", (name,)) for name in BELOW_IN_SKIPS]
SINGLE += [("normed", (name,)) for name in ("first", "norm", "head")]
SEVERAL = [
    ("chain", Chain.names),
    ("normed", Normed.names),
    ("skips", tuple(BELOW_IN_SKIPS)),
    ("chain", ("general", "pooled")),
    ("skips", ("beside", "c")),
]


@pytest.mark.parametrize(("name", "trainable"), [*SINGLE, *SEVERAL], ids=str)
def test_the_engine_counts_what_is_needed_and_nothing_else(networks, name, trainable) -> None:
    counted = networks[name]
    trainer = counted.trainer(trainable)
    with trainer.build("host") as engine:
        before = engine.weights()
        trace = engine.fit(counted.x[None], [1], lr=0.1)
        after = engine.weights()
    assert trace.macs_backward.tolist() == [counted.expected(trainable)]
    changed = {key.partition(".")[0] for key in before if before[key].tobytes() != after[key].tobytes()}
    assert changed == set(trainable)
    kept = {node.name for node, k in zip(trainer.train_program.program.layers, trace.kept[0], strict=True) if k}
    assert len(kept) == len(trainable)


@pytest.mark.parametrize("name", ["chain", "normed", "skips"])
def test_whatever_trains_the_pass_consists_of_what_is_needed(networks, name) -> None:
    """Every choice, 511 of them at most; the oracle counts what the engine counts."""
    counted = networks[name]
    for size in range(1, len(counted.below) + 1):
        for trainable in combinations(counted.below, size):
            oracle = OracleTrainer(counted.trainer(trainable).train_program)
            assert oracle.step(counted.x, 1, 0.1).macs_backward == counted.expected(trainable), trainable
