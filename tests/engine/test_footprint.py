"""Stack and flash of generated networks: those of the tests, of `tinyprop.models` and of the benchmark."""

import re
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path

import pytest
import torch

import tinyprop
from battery.rules import for_any_network
from tinyprop.bench.benchmark.config import NETWORKS as BENCH
from tinyprop.methods import METHODS
from tinyprop.models import MODELS
from tinyprop.targets import board_names, load_board

README = resources.files("tinyprop.engine").joinpath("README.md").read_text(encoding="utf-8")
STACK_LIMIT = 2048  # bytes, as the engine's README promises
LIBRARY = {"memcpy", "memset", "memmove"}  # the C library's, a few words of stack at most
CORTEX_M4F = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
# Functions of the same code would share a body, and the graph would know it by one of their names only.
GRAPHS = ("-fno-math-errno", "-fno-ipa-icf", "-fcallgraph-info=su")
TEST_NETWORKS = ("mlp", "pooled", "strided", "overlapping", "separable", "grouped", "activated", "normalised")
CASES = (*TEST_NETWORKS, *MODELS, *BENCH)


def depths(graphs: Iterable[str]) -> dict[str, int]:
    """Function → bytes of the deepest chain of calls from it, by gcc's call graphs; what is called by pointer is not in
    it. A function whose stack has no bound known to the compiler, one that is called and has no entry, and recursion
    are errors."""
    own, calls = {}, {}
    for text in graphs:
        for name, label in re.findall(r'node: \{ title: "([^"]+)" label: "([^"]+)"', text):
            if size := re.search(r"(\d+) bytes \(([\w,]+)\)", label):
                assert size[2] in ("static", "dynamic,bounded"), (name, size[0])
                own[name] = int(size[1])
        for caller, callee in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', text):
            calls.setdefault(caller, set()).add(callee)

    @cache
    def depth(function: str) -> int:
        assert function in own or function in LIBRARY or function == "__indirect_call", function
        return own.get(function, 0) + max(map(depth, calls.get(function, ())), default=0)

    return {name: depth(name) for name in own}


def worst_stack(graphs: Iterable[str]) -> int:
    """Bytes of the deepest chain of calls from the public training call, which calls the network by pointer."""
    found = depths(graphs)
    trainers = [name for name in found if name.split(":")[-1] == "train"]
    assert len(trainers) == 1
    return found[trainers[0]] + max(found[step] for step in ("tp_train_step", "tp_train_target"))


def graphs_of(
    command: str, optimise: str, sources: Iterable[Path], includes: Iterable[Path], folder: Path, gcc
) -> list[str]:
    core = () if command == "gcc" else CORTEX_M4F
    compiler = gcc(optimise, *GRAPHS, *core, command=command)
    paths = [*(f"-I{include}" for include in includes), "-c", *map(str, sources)]
    subprocess.run([*compiler.command, *compiler.flags, *paths], cwd=folder, check=True)
    return [path.read_text() for path in folder.glob("*.ci")]


@pytest.fixture(scope="module")
def trainer_of(networks):
    """trainer_of(name, kernels, method) → Trainer; each network is captured once."""

    @cache
    def captured(name):
        if name in networks:
            return networks[name], "cross_entropy"
        torch.manual_seed(0)
        if name in MODELS:
            make, shape, loss = MODELS[name].make, MODELS[name].input_shape, MODELS[name].loss
        else:
            make, shape, loss = BENCH[name].make, (1, BENCH[name].side, BENCH[name].side), "cross_entropy"
        c_name = name.replace("-", "_").lower()
        return tinyprop.capture(make().eval(), torch.zeros(1, *shape), name=c_name), loss

    def train(name, kernels, method="tinyprop_v2"):
        network, loss = captured(name)
        return network.train(method, loss, kernels=kernels)

    return train


@pytest.fixture(scope="module")
def engine_graphs(networks, gcc, tmp_path_factory):
    """engine_graphs(command, optimise) → the graphs of the linked kernels, the same for every network."""

    @cache
    def graphs(command, optimise):
        tree, folder = networks["mlp"].train("full", kernels="size").sources, tmp_path_factory.mktemp("engine")
        tree.write(folder)
        sources = [folder / source for source in tree.sources if source.startswith("engine/")]
        return graphs_of(command, optimise, sources, [folder / "engine" / "include"], folder, gcc)

    return graphs


@pytest.fixture
def stack_of(engine_graphs, gcc, tmp_path):
    """stack_of(trainer, command, optimise) → bytes that a step takes, as gcc compiles it."""

    def stack(trainer, command, optimise):
        tree = trainer.sources
        tree.write(tmp_path)
        apart = trainer.kernels == "size"
        own = {f"{tree.name}.c"} if apart else {f"{tree.name}.c", "engine/src/tp_api.c"}
        paths, includes = ([tmp_path / path for path in some] for some in (own, tree.include_dirs))
        linked = engine_graphs(command, optimise) if apart else []
        return worst_stack([*linked, *graphs_of(command, optimise, paths, includes, tmp_path, gcc)])

    return stack


@pytest.mark.parametrize("kernels", ["inline", "size"])
@pytest.mark.parametrize("command", ["gcc", "arm-none-eabi-gcc"])
@pytest.mark.parametrize("name", CASES)
def test_stack_of_a_step_is_bounded(trainer_of, stack_of, name, command, kernels):
    assert 64 < stack_of(trainer_of(name, kernels), command, "-O2") < STACK_LIMIT


@pytest.mark.parametrize("method", METHODS)
def test_stack_is_bounded_under_every_method_as_fast_code_too(trainer_of, stack_of, method):
    trainer = trainer_of("mlp", "inline", for_any_network(method))
    assert 64 < stack_of(trainer, "arm-none-eabi-gcc", "-O3") < STACK_LIMIT


@pytest.mark.parametrize("command", ["gcc", "arm-none-eabi-gcc"])
def test_stack_of_saves_and_of_the_guard_is_bounded(engine_graphs, command):
    """Less than the engine's README promises, without the driver of the flash and the network, which pointers call."""
    found = depths(engine_graphs(command, "-O2"))
    [limit] = re.findall(r"Saving and loading need less than ([\d,]+) bytes of stack", README)
    saving = max(found[call] for call in ("tp_save", "tp_load", "tp_find_slots"))
    guarded = max(found[call] for call in ("tp_guard_init", "tp_guard_train", "tp_guard_train_target", "tp_guard_look"))
    assert 256 < saving < int(limit.replace(",", ""))
    assert guarded < saving + 256


def test_every_board_keeps_more_stack_free_than_a_step_needs():
    """The rest is for what calls the network, and for interrupts."""
    assert all(load_board(name).stack_bytes >= 2 * STACK_LIMIT for name in board_names())


@pytest.mark.parametrize("name", ["mlp", "strided"])
def test_size_build_takes_less_flash(networks, name):
    """Where layers share a kernel; the blocked one of `pooled` is as large generic as it is for two literal shapes."""
    flash = {}
    for kernels in ("inline", "size"):
        with networks[name].train("tinyprop_v2", kernels=kernels).build("nano33ble") as engine:
            flash[kernels] = engine.flash_bytes
    print(f"{name}: flash {flash}")  # noqa: T201
    assert flash["size"] < flash["inline"]
