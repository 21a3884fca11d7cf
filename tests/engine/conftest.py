"""Networks of every kind of geometry, made of operators without torch, and what compiles C around them."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from battery.parameters import random_parameters
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.ir.graph import Node, Program, Value, frozen_array
from tinyprop.ir.op import Op, Shape
from tinyprop.ir.ops import (
    AvgPool2d,
    Clamp,
    Conv2d,
    Dense,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    Reshape,
    ScaleShift,
    Sigmoid,
    Tanh,
)
from tinyprop.surface import Network
from tinyprop.targets.compilation import compile_tree, link
from tinyprop.targets.toolchain import LANGUAGE, WARNINGS, Compiler

C_FOLDER = Path(__file__).parent / "c"

# Name → (input shape, operators). Widths below, at and beyond the sixteen columns that the dense kernels block.
GEOMETRIES: dict[str, tuple[Shape, tuple[Op, ...]]] = {
    "mlp": ((13,), (Dense(13, 20), ReLU(), Dense(20, 16), ReLU(), Dense(16, 5))),
    "pooled": (
        (1, 8, 8),
        (
            *(Conv2d(1, 5, (3, 3), padding=(1, 1)), ReLU(), MaxPool2d((2, 2), (2, 2))),
            *(Conv2d(5, 6, (3, 3), padding=(1, 1)), ReLU(), MaxPool2d((2, 2), (2, 2))),
            *(Reshape(), Dense(24, 5)),
        ),
    ),
    "strided": (
        (2, 9, 7),
        (
            *(Conv2d(2, 3, (3, 2), stride=(2, 1)), ReLU()),
            *(Conv2d(3, 4, (2, 3), stride=(1, 2), padding=(1, 0), bias=False), Reshape()),
            *(Dense(40, 18, bias=False), ReLU(), Dense(18, 5)),
        ),
    ),
    # Pools on the sample itself, overlapping with padding, and one that leaves a row over; each ReLU stands alone.
    "overlapping": (
        (1, 12, 11),
        (
            *(MaxPool2d((2, 2), (1, 1)), Conv2d(1, 3, (3, 3)), MaxPool2d((3, 3), (2, 2), (1, 1)), ReLU()),
            *(Conv2d(3, 4, (2, 2), padding=(1, 1)), MaxPool2d((2, 3), (2, 3)), Reshape(), ReLU()),
            *(Dense(12, 7), Dense(7, 5)),
        ),
    ),
    # Depthwise and pointwise, three by three without a pool; strides 1 and 2 on maps of even and odd width.
    "separable": (
        (2, 11, 12),
        (
            *(Conv2d(2, 3, (3, 3), padding=(1, 1)), ReLU(), Conv2d(3, 19, (3, 3), (2, 2), (1, 1)), ReLU()),
            *(Conv2d(19, 19, (3, 3), padding=(1, 1), groups=19), ReLU(), Conv2d(19, 5, (1, 1)), ReLU()),
            *(Conv2d(5, 5, (3, 3), (2, 2), (1, 1), groups=5), ReLU(), Conv2d(5, 3, (1, 1), bias=False), ReLU()),
            *(Reshape(), Dense(27, 5)),
        ),
    ),
    # Dilation, groups of several channels each way, and windows that lie on the padding altogether.
    "grouped": (
        (2, 8, 7),
        (
            *(Conv2d(2, 4, (3, 2), padding=(2, 2), dilation=(2, 3), groups=2), ReLU()),
            *(Conv2d(4, 6, (1, 1), padding=(2, 1), groups=2), MaxPool2d((3, 2), (3, 2)), ReLU()),
            *(Conv2d(6, 18, (2, 2), (2, 1), (3, 3), groups=2), ReLU(), Reshape(), Dense(900, 5)),
        ),
    ),
    # Every activation, in place or not; average pools that overlap, reach into the padding, and see the whole map.
    "activated": (
        (2, 7, 6),
        (
            *(Conv2d(2, 3, (2, 2)), Clamp(0, 6), AvgPool2d((3, 2), (2, 2), (1, 1), count_padding=False)),
            *(Conv2d(3, 4, (2, 2)), HardSwish(), AvgPool2d((2, 2), (2, 2)), Reshape(), LeakyReLU(0.125)),
            *(Dense(4, 7), Sigmoid(), Dense(7, 6), Tanh(), Dense(6, 5), HardSigmoid(), Dense(5, 5)),
        ),
    ),
    # Batch norms that train, with and without a ReLU of their own or below them; frozen ones, with weights and without.
    "normalised": (
        (2, 7, 5),
        (
            *(ScaleShift(2, 1e-3), Conv2d(2, 3, (3, 3), padding=(1, 1), bias=False), ScaleShift(3, 1e-5), ReLU()),
            *(ScaleShift(3, 1e-3, bias=False), Conv2d(3, 4, (2, 2), (2, 2)), ReLU(), ScaleShift(4, 1e-5)),
            *(ScaleShift(4, 1e-2, trains=False), ReLU(), Reshape(), Dense(24, 9, bias=False), ScaleShift(9, 1e-5)),
            *(ReLU(), Dense(9, 5)),
        ),
    ),
}


def network_of(name: str, shape: Shape, ops: tuple[Op, ...]) -> Network:
    """The chain of `ops`, with the same random parameters each time."""
    rng = np.random.default_rng(len(ops))
    values, nodes, parameters = [Value("x", shape)], [], {}
    for number, op in enumerate(ops):
        drawn = {f"{number}.{role}": frozen_array(a) for role, a in random_parameters(op, rng).items()}
        parameters |= drawn
        values.append(Value(f"v{number}", op.output_shape(values[-1].shape)))
        nodes.append(Node(f"n{number}", op, (values[-2].name,), values[-1].name, tuple(drawn)))
    by_name = MappingProxyType({value.name: value for value in values})
    return Network(Program(name, values[0], values[-1], tuple(nodes), by_name, MappingProxyType(parameters)))


NETWORKS = {name: network_of(name, *geometry) for name, geometry in GEOMETRIES.items()}


def gcc(*flags: str, command: str = "gcc") -> Compiler:
    """A gcc that takes every warning for an error; the test is skipped where it is not installed."""
    path = shutil.which(command)
    if path is None:
        pytest.skip(f"{command} not installed")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    return Compiler((path,), version.partition("\n")[0], (*LANGUAGE, *WARNINGS, *flags), ())


def program_of(tree: SourceTree, driver: str, compiler: Compiler, texts: Mapping[str, str] | None = None) -> Path:
    """The program made of `tree`, tests/engine/c/<driver> and further C or header `texts`."""
    network = f'#include "{tree.name}.h"\n#define NETWORK {tree.name}\ntypedef {tree.name}_memory network_memory;\n'
    extra = {"driver.c": (C_FOLDER / driver).read_text(), "network_under_test.h": network, **(texts or {})}
    sources = (*tree.sources, *(name for name in extra if name.endswith(".c")))
    return link(compile_tree(replace(tree, files={**tree.files, **extra}, sources=sources), compiler), compiler, "")


def output_of(program: Path, *arguments: str) -> str:
    """What `program` prints; it has to end well."""
    run = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="session")
def networks() -> Mapping[str, Network]:
    """mlp, pooled, strided, overlapping, separable, grouped, activated, normalised."""
    return NETWORKS


@pytest.fixture(scope="session", name="network_of")
def _network_of() -> Callable[..., Network]:
    """network_of(name, input shape, operators) → Network."""
    return network_of


@pytest.fixture(scope="session", name="gcc")
def _gcc() -> Callable[..., Compiler]:
    """gcc(*flags, command="gcc") → Compiler."""
    return gcc


@pytest.fixture(scope="session")
def c_program() -> Callable[..., Path]:
    """c_program(tree, driver, compiler, texts) → executable."""
    return program_of


@pytest.fixture(scope="session")
def run() -> Callable[..., str]:
    """run(program, *arguments) → what it printed."""
    return output_of
