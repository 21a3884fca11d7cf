"""The battery as networks: every case is a branch of its own between two dense layers that train, so that the engine
runs it forward, sends an error through it, and has a weight below and above it that tells."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

import numpy as np

from battery.cases import BLOCKED, CASES, DEPTHWISE, GENERAL, KINKS, OTHER_POOLED, SPECIAL, TILED, Case
from battery.parameters import random_parameters
from tinyprop.ir.graph import Node, Program, Value, frozen_array
from tinyprop.ir.losses import CrossEntropy
from tinyprop.ir.op import Op
from tinyprop.ir.ops import ACTIVATIONS, Add, Dense, LeakyReLU, ReLU, Reshape
from tinyprop.surface import Network, Trainer

INPUTS, CLASSES = 6, 5
SEED = 1  # one with which no branch is dead


class _Builder:
    """Nodes one after the other, with random parameters that are the same each time."""

    def __init__(self) -> None:
        self.values = {"x": Value("x", (INPUTS,))}
        self.nodes: list[Node] = []
        self.parameters: dict[str, np.ndarray] = {}
        self.rng = np.random.default_rng(SEED)

    def add(self, name: str, op: Op, *inputs: str) -> str:
        """A node called `name`, and its value of the same name."""
        drawn = {f"{name}.{role}": frozen_array(a) for role, a in random_parameters(op, self.rng).items()}
        self.parameters |= drawn
        shape = op.shape_after(tuple(self.values[i].shape for i in inputs))
        self.values[name] = Value(name, shape)
        self.nodes.append(Node(name, op, inputs, name, tuple(drawn)))
        return name

    def branch(self, number: int, case: Case, outputs: int) -> str:
        """x → dense → reshape → the case → reshape → dense; every other dense layer below ends in a ReLU.

        A case that can read x itself does so: it sends no error, as below it nothing trains.
        """
        inputs = ["x"] if case.shapes == ((INPUTS,),) else []
        for part, shape in enumerate(case.shapes if not inputs else ()):
            below = Dense(INPUTS, int(np.prod(shape)), relu=(number + part) % 2 == 0)
            value = self.add(f"b{number}_below{part}", below, "x")
            self._start(value, case.op, below.relu)
            inputs.append(self.add(f"b{number}_shaped{part}", Reshape(shape), value))
            if isinstance(case.op, ReLU):  # which the dense layer would swallow, its kernel never run
                inputs = [self.add(f"b{number}_apart", LeakyReLU(0.5), *inputs)]
        middle = self.add(f"b{number}_case", case.op, *inputs)
        flat = self.add(f"b{number}_flat", Reshape(), middle)
        return self.add(f"b{number}_above", Dense(self.values[flat].shape[0], outputs), flat)

    def _start(self, layer: str, above: Op, relu: bool) -> None:
        """Biases with which few ReLUs are dead; without one, ties at first, or an activation's very kinks."""
        weight, bias = (self.parameters[f"{layer}.{role}"].copy() for role in ("weight", "bias"))
        bias = np.abs(bias)
        if above.has_argmax and not relu:
            weight[:], bias[:] = weight[0], bias[0]
        elif isinstance(above, ACTIVATIONS) and not relu:
            weight[1::2], bias[1::2] = 0, np.resize(KINKS, len(bias) // 2)
        self.parameters |= {f"{layer}.weight": frozen_array(weight), f"{layer}.bias": frozen_array(bias)}

    def program(self, name: str, last: str) -> Program:
        values, parameters = MappingProxyType(self.values), MappingProxyType(self.parameters)
        return Program(name, self.values["x"], self.values[last], tuple(self.nodes), values, parameters)


def network_of(name: str, cases: Iterable[Case], outputs: int = CLASSES) -> Network:
    """x (INPUTS,) → the sum of all branches (outputs,)."""
    builder = _Builder()
    last = None
    for number, case in enumerate(cases):
        out = builder.branch(number, case, outputs)
        last = out if last is None else builder.add(f"sum{number}", Add(), last, out)
    assert last is not None
    return Network(builder.program(name, last))


def cases_of(*kinds: str) -> tuple[Case, ...]:
    """All cases of these kinds of operator."""
    return tuple(case for kind in kinds for case in CASES[kind])


# Network → its cases. One network for many of them, so that few programs have to be compiled.
GROUPS: Mapping[str, tuple[Case, ...]] = {
    "activations": cases_of(*(op.kind for op in ACTIVATIONS)),
    "dense": cases_of("dense"),
    "scale_shift": cases_of("scale_shift"),
    "conv2d_general": GENERAL,
    "conv2d_tiled": TILED,
    "conv2d_special": SPECIAL,
    "conv2d_depthwise": DEPTHWISE,
    "conv2d_pooled": OTHER_POOLED,
    "conv2d_blocked": BLOCKED,
    "pools": cases_of("max_pool2d", "avg_pool2d"),
    "joins": cases_of("add", "concat", "reshape"),
}
NETWORKS: Mapping[str, Network] = MappingProxyType({n: network_of(f"b_{n}", cases) for n, cases in GROUPS.items()})

FROZEN = "frozen"  # beside the methods: nothing trains but the layers below the cases; the loss smooths its labels


@cache
def trainer_of(name: str, method: str, kernels: str = "inline") -> Trainer:
    """Network `name` under `method`, or with every case and all above it FROZEN: its error passes, no weight learns."""
    network = NETWORKS[name]
    if method != FROZEN:
        return network.train(method, kernels=kernels)
    below = [node.name for node in network.program.layers if "_below" in node.name]
    renamed = Network(replace(network.program, name=f"{network.program.name}_frozen"))
    return renamed.train("full_zero_skip", CrossEntropy(0.1), kernels=kernels, trainable=below)


def samples(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """x (steps, INPUTS) float32 with zeros among the values, and labels; two samples in turn, soon learned."""
    x = np.random.default_rng(1).normal(size=(2, INPUTS)).astype(np.float32)
    x[:, ::3] = 0
    order = np.arange(steps) % 2
    return x[order], order
