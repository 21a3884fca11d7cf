"""SGD with momentum, weight decay and clipping: PyTorch, the oracle, the host and a board."""

import ctypes
import shutil
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop import SGD, StepDecay
from tinyprop.codegen.layout import weight_hash
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.ir.train_program import BackwardStep, TrainProgram
from tinyprop.trace import StepTrace

HOST_TOOLCHAIN = "gcc" if shutil.which("gcc") else "zig"
STEPS, CLASSES, LR = 20, 4, 0.05
OPTIMIZERS = {
    "momentum": SGD(momentum=0.9),
    "decay": SGD(weight_decay=0.1),
    "both": SGD(momentum=0.8, weight_decay=0.1),
    "clip": SGD(clip=0.6),
    "all": SGD(momentum=0.9, weight_decay=0.05, clip=0.6),
}
SKIPPING = tinyprop.TinyPropV2(theta_skip=0.3)


class Residual(nn.Module):
    """Two ways down to the stem: a layer that keeps nothing on one of them does not end the pass."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b, self.head = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x).relu()
        return self.head(x + self.b(self.a(x).relu()).relu())


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(13, 20), nn.ReLU(), nn.Linear(20, 9), nn.ReLU(), nn.Linear(9, CLASSES))


def pooled() -> nn.Module:
    first = [nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(16, 7), nn.ReLU(), nn.Linear(7, CLASSES))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (mlp, (13,)),
    "pooled": (pooled, (1, 8, 8)),
    "residual": (Residual, (6,)),
}


def model_of(name: str) -> nn.Module:
    torch.manual_seed(5)
    return NETWORKS[name][0]().eval()


def network_of(name: str) -> tinyprop.Network:
    return tinyprop.capture(model_of(name), np.zeros((1, *NETWORKS[name][1]), np.float32), name=name)


def samples(name: str, count: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    """Two samples in turn, soon learned, so that some steps are skipped."""
    turn = np.arange(count) % 2
    return np.random.default_rng(2).standard_normal((2, *NETWORKS[name][1])).astype(np.float32)[turn], turn


def assert_same(got: StepTrace, expected: StepTrace) -> None:
    for field in fields(StepTrace):
        one, other = getattr(got, field.name), getattr(expected, field.name)
        if one is not None and other is not None:
            np.testing.assert_array_equal(one, other, err_msg=field.name)


def torch_losses(model: nn.Module, x: np.ndarray, y: np.ndarray, sgd: SGD) -> list[float]:
    """Trains `model` with torch.optim.SGD on one sample after another."""
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=sgd.momentum, weight_decay=sgd.weight_decay)
    losses = []
    for sample, label in zip(torch.from_numpy(x), torch.from_numpy(y), strict=True):
        outputs = model(sample[None])
        if sgd.clip is not None:
            outputs.register_hook(lambda error: error * min(1.0, sgd.clip / error.norm().item()))
        loss = nn.functional.cross_entropy(outputs, label[None])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("sgd", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_twenty_steps_as_in_torch(name: str, sgd: SGD) -> None:
    model, (x, y) = model_of(name), samples(name)
    oracle = OracleTrainer(network_of(name).train("full", optimizer=sgd).train_program)
    losses = oracle.fit(x, y, LR).loss
    np.testing.assert_allclose(losses, torch_losses(model, x, y, sgd), rtol=2e-4, atol=1e-6)
    for key, tensor in model.state_dict().items():
        np.testing.assert_allclose(oracle.parameters[key], tensor.numpy(), rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.parametrize(
    ("name", "option", "method"),
    [
        *(("mlp", option, "full") for option in ("momentum", "all")),
        *(("mlp", option, SKIPPING) for option in ("momentum", "decay", "clip")),
        *(("pooled", "all", "full"), ("pooled", "decay", SKIPPING), ("pooled", "all", SKIPPING)),
        *(("residual", "decay", "full"), ("residual", "all", SKIPPING)),
    ],
)
def test_oracle_and_host_train_the_same_bits(name: str, option: str, method: str | tinyprop.Method) -> None:
    trainer, (x, y) = network_of(name).train(method, optimizer=OPTIMIZERS[option]), samples(name, 60)
    oracle = OracleTrainer(trainer.train_program)
    schedule = StepDecay(0.2, 0.7, every=25)
    with trainer.build("host", HOST_TOOLCHAIN) as engine:
        got = engine.fit(x, y, lr=schedule)
        assert_same(got, oracle.fit(x, y, schedule))
        assert engine.weight_hash() == weight_hash(oracle.parameters)
        assert engine.facts.memory_bytes == trainer.memory.model
    assert got.skipped.any() == (method == SKIPPING)


@pytest.mark.parametrize(("name", "method"), [("mlp", "full"), ("pooled", "tinyprop_v2")])
def test_board_and_host_train_the_same_bits(name: str, method: str) -> None:
    """Sized kernels on the board, inlined ones on the host."""
    network, (x, y), sgd = network_of(name), samples(name, 40), OPTIMIZERS["all"]
    schedule = StepDecay(0.2, 0.7, every=25)
    with (
        network.train(method, optimizer=sgd).build("host", HOST_TOOLCHAIN) as host,
        network.train(method, optimizer=sgd, kernels="size").build("nano33ble") as board,
    ):
        assert_same(board.fit(x, y, lr=schedule), host.fit(x, y, lr=schedule))
        assert board.weight_hash() == host.weight_hash()


def keeps_nothing_on_one_way(train: TrainProgram, trace: StepTrace) -> bool:
    """Whether a layer kept nothing in a step and the pass went on, since another error was on its way."""
    on = [s.layer for s in train.steps if isinstance(s, BackwardStep) and s.selection is not None and not s.ends]
    return bool((trace.kept[:, on][~trace.skipped] == 0).any())


def test_a_layer_that_keeps_nothing_rests_even_where_the_pass_goes_on() -> None:
    method = tinyprop.TinyPropV2(s_min=0.0, s_max=0.2, theta_skip=0.0)
    trainer, (x, y) = network_of("residual").train(method, optimizer=OPTIMIZERS["both"]), samples("residual", 60)
    oracle = OracleTrainer(trainer.train_program)
    with trainer.build("host", HOST_TOOLCHAIN) as engine:
        got = engine.fit(x, y, lr=0.1)
        assert keeps_nothing_on_one_way(trainer.train_program, got)
        assert_same(got, oracle.fit(x, y, 0.1))
        assert engine.weight_hash() == weight_hash(oracle.parameters)


def test_what_a_step_does_not_reach_rests() -> None:
    """Skipped samples, and layers below one that keeps nothing, neither decay nor roll on."""
    x, y = samples("mlp")
    train = network_of("mlp").train(tinyprop.Ours(tau=100), optimizer=OPTIMIZERS["both"]).train_program
    oracle = OracleTrainer(train)
    oracle.velocity = {name: np.ones_like(v) for name, v in oracle.velocity.items()}
    assert oracle.fit(x, y, LR).skipped.all()
    assert weight_hash(oracle.parameters) == weight_hash(train.program.parameters)
    assert all((v == 1).all() for v in oracle.velocity.values())

    method = tinyprop.TinyPropV2(s_min=0.0, s_max=0.0, theta_skip=0.0)
    oracle = OracleTrainer(network_of("mlp").train(method, optimizer=OPTIMIZERS["both"]).train_program)
    oracle.step(x[0], int(y[0]), LR)
    moved = [name for name, v in oracle.velocity.items() if v.any()]
    assert moved == ["4.weight", "4.bias"]


def test_reset_forgets_the_velocity() -> None:
    x, y = samples("mlp")
    with network_of("mlp").train("full", optimizer=OPTIMIZERS["momentum"]).build("host", HOST_TOOLCHAIN) as engine:
        first = engine.fit(x, y, lr=LR)
        again = engine.fit(x, y, lr=LR)
        engine.reset()
        assert_same(engine.fit(x, y, lr=LR), first)
    assert (again.loss != first.loss).any()


def test_velocities_are_kept_of_trainable_parameters_only() -> None:
    network, sgd = network_of("pooled"), SGD(momentum=0.9)
    whole, ends = (network.train("full", optimizer=sgd, trainable=names) for names in (None, ["0", "9"]))
    own = network.program.parameters
    assert whole.memory.optimizer == sgd.ram_bytes(sum(p.size for p in own.values()))
    assert ends.memory.optimizer == sgd.ram_bytes(
        sum(own[f"{layer}.{kind}"].size for layer in "09" for kind in ("weight", "bias"))
    )
    assert network.train("full").memory.optimizer == 0
    assert f"optimizer {4 * 62}," in str(ends.memory)
    x, y = samples("pooled")
    oracle = OracleTrainer(ends.train_program)
    with ends.build("host", HOST_TOOLCHAIN) as engine:
        assert engine.facts.memory_bytes == ends.memory.model
        assert_same(engine.fit(x, y, lr=LR), oracle.fit(x, y, LR))
        assert engine.weight_hash() == weight_hash(oracle.parameters)


def test_a_schedule_is_the_rates_by_hand_and_those_of_firmware() -> None:
    x, y = samples("mlp", 23)
    schedule = StepDecay(0.1, 0.6, every=4)
    trainer = network_of("mlp").train("full")
    with trainer.build("host", HOST_TOOLCHAIN) as engine, trainer.build("host", HOST_TOOLCHAIN) as by_hand:
        trace = engine.fit(x, y, epochs=2, lr=schedule)
        parts = [
            by_hand.fit(x[i % 23][None], y[i % 23 : i % 23 + 1], lr=float(rate))
            for i, rate in enumerate(schedule.rates(46))
        ]
        assert_same(trace, StepTrace.joined(parts))
        assert engine.weight_hash() == by_hand.weight_hash()


@pytest.mark.parametrize(("initial", "factor", "every"), [(0.1, 0.9, 3), (1e-38, 0.7, 1), (0.5, 1.0, 2), (0.3, 0.0, 5)])
def test_firmware_has_the_same_rates(initial: float, factor: float, every: int) -> None:
    with network_of("mlp").train("full").build("host", HOST_TOOLCHAIN) as engine:
        twin = engine._library.tp_step_rate  # type: ignore[attr-defined]
    twin.restype, twin.argtypes = ctypes.c_float, [ctypes.c_float, ctypes.c_float, ctypes.c_uint32, ctypes.c_uint32]
    wanted = StepDecay(initial, factor, every).rates(200)
    assert [twin(initial, factor, every, step) for step in range(200)] == wanted.tolist()
    assert twin(initial, factor, 0, 7) == np.float32(initial)


def test_an_optimizer_that_is_none_is_named() -> None:
    with pytest.raises(tinyprop.UserError, match=r"optimizer is 'sgd', not an optimizer: pass e\.g\. tinyprop\.SGD"):
        network_of("mlp").train("full", optimizer="sgd")  # type: ignore[arg-type]


def test_sources_name_the_optimizer_in_text_and_in_stamp() -> None:
    network = network_of("mlp")
    slow, quick = (network.train("full", optimizer=SGD(momentum=m)).sources.files["mlp.c"] for m in (0.5, 0.9))
    assert "full with SGD(momentum=0.9, weight_decay=0.0, clip=None)" in quick
    assert slow.splitlines()[0] != quick.splitlines()[0]
