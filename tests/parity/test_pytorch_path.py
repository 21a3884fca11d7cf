"""`apply_` and the C engine obey one TrainSpec: the same decisions and the same weights, for every method."""

import copy
import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import tinyprop
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.methods import METHODS, Method, method_named
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_channels import KeepChannels
from tinyprop.methods.rules.keep_diffused import KeepDiffused
from tinyprop.methods.rules.keep_memorised import KeepMemorised
from tinyprop.methods.rules.keep_moving import FACTS
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.keep_steered import KeepSteered
from tinyprop.methods.rules.rule import LayerState, SelectionRule
from tinyprop.nn import Handle, apply_
from tinyprop.nn.selections import Memory, Place, select

STEPS, CLASSES, RATE = 10, 6, 0.05
MARGIN = 1e-5  # a decision is a tie where thresholds so much larger or smaller decide otherwise


class Shared(nn.Module):
    """One pool for two convolutions and another as a function: the usual way to write it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Conv2d(2, 5, 3), nn.Conv2d(5, 4, 3, padding=1), nn.Conv2d(4, 3, 2)
        self.pool, self.head = nn.MaxPool2d(2), nn.Linear(3, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu(self.first(x)))
        x = self.pool(functional.relu(self.second(x)))
        return self.head(functional.max_pool2d(self.third(x).relu(), 2).flatten(1))


class Residual(nn.Module):
    """A value that two layers read, a depthwise and a strided convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.depthwise = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.pointwise, self.down = nn.Conv2d(6, 6, 1), nn.Conv2d(6, 8, 3, stride=2, groups=2, bias=False)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.stem(x))
        x = functional.relu(x + self.pointwise(functional.relu(self.depthwise(x))))
        return self.head(functional.relu(self.down(x)).mean((2, 3)))


def sequence_net() -> nn.Module:
    """One dimension, with a pool that leaves an entry over, and dilation."""
    body = [nn.Conv1d(3, 8, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 6, 3, dilation=2), nn.ReLU()]
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(30, 12), nn.ReLU(), nn.Linear(12, CLASSES))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 6)), (20,)),
    "pools": (Shared, (2, 15, 16)),
    "residual": (Residual, (1, 9, 7)),
    "sequence": (sequence_net, (3, 19)),
}


BY_BATCH = {"random_k", "ours_at_effort", "memorised_top_k", "velocity"}  # draw, steer, remember and look by batch
SETTINGS = {
    "ours_at_effort": {"effort": 0.6},  # what depthwise and output layers leave something of, in all networks
    "partial_updates": {"lambda_min": 0.0, "lambda_max": 0.35},  # never so much that all is kept
    "sparse_update": {"weights": 2, "biases": 1},  # a bias alone, and below it weights without theirs
    "velocity": {"eps": 0.003, "samples": 2, "period": 2},  # so that some neurons come to rest, and some go on
}


def moved(method: Method, factor: float) -> Method:
    """The method with every threshold and ratio times `factor`, within what they may be."""
    settings = {name: getattr(method, name) * factor for name in method.space}
    for name, value in settings.items():
        try:
            method = dataclasses.replace(method, **{name: value})
        except tinyprop.UserError:
            continue  # a ratio of 1 stays one
    return method


def step_of(model: nn.Module, handle: Handle, x: torch.Tensor, y: torch.Tensor) -> tinyprop.StepTrace:
    model.zero_grad()
    functional.cross_entropy(model(x), y).backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter -= RATE * parameter.grad
    return handle.last_step()


# Where a branch keeps nothing PyTorch visits no layer below it, the engine those that other branches lead to: draws
# follow visits.
PAIRS = [(name, network) for name in METHODS for network in NETWORKS if (name, network) != ("random_k", "residual")]


@pytest.mark.parametrize(("name", "network"), PAIRS)
def test_decisions_and_weights_are_the_engines(name: str, network: str) -> None:
    make, shape = NETWORKS[network]
    torch.manual_seed(0)
    model, method = make().eval(), method_named(name, **SETTINGS.get(name, {}))
    x, y = torch.randn(STEPS, *shape), torch.randint(0, CLASSES, (STEPS,))
    captured = tinyprop.capture(model, x[:1])
    methods = [moved(method, factor) for factor in (1.0, 1 - MARGIN, 1 + MARGIN)]
    oracles = [OracleTrainer(captured.train(one).train_program) for one in methods]
    handle = apply_(model, method, example_input=x[:1])
    assert handle.spec == oracles[0].train.spec
    for step in range(STEPS):
        done = [oracle.step(x[step].numpy(), int(y[step]), RATE) for oracle in oracles]
        trace = step_of(model, handle, x[step : step + 1], y[step : step + 1])
        assert trace.loss[0] == pytest.approx(done[0].loss, abs=1e-5)
        assert trace.predicted[0] == done[0].predicted
        assert trace.skipped[0] in [one.skipped for one in done]
        kept = np.array([one.kept for one in done])
        assert (kept.min(0) <= trace.kept[0]).all()
        assert (trace.kept[0] <= kept.max(0)).all()
    assert handle.stats().samples == STEPS
    weights = dict(model.named_parameters())
    for key, expected in oracles[0].parameters.items():
        np.testing.assert_allclose(weights[key].detach(), expected.reshape(weights[key].shape), atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", sorted(METHODS.keys() - BY_BATCH))
def test_a_batch_is_its_samples(name: str, network: str) -> None:
    """The gradient of a batch is the mean of its samples' own, each decided on as if it were alone."""
    make, shape = NETWORKS[network]
    torch.manual_seed(0)
    batch, alone = make().eval(), make().eval()
    alone.load_state_dict(batch.state_dict())
    x, y = torch.randn(7, *shape), torch.randint(0, CLASSES, (7,))
    method = method_named(name, **SETTINGS.get(name, {}))
    handles = [apply_(model, method, example_input=x[:1]) for model in (batch, alone)]
    state = handles[0].state_dict()
    seen = {"y_max": 3.0, "drawn": 0, "bar": None}  # as if larger errors had been seen before
    state |= {"output": 1.9, "layers": dict.fromkeys(state["layers"], seen)}
    for handle in handles:
        handle.load_state_dict(state)
    functional.cross_entropy(batch(x), y).backward()
    batch(x)  # a forward pass alone changes nothing
    total = {key: torch.zeros_like(p) for key, p in alone.named_parameters()}
    kept = []
    for one in range(len(x)):
        alone.zero_grad()
        functional.cross_entropy(alone(x[one : one + 1]), y[one : one + 1]).backward()
        kept.append(handles[1].last_step().kept[0].tolist())
        for key, parameter in alone.named_parameters():
            total[key] += 0 if parameter.grad is None else parameter.grad / len(x)
    assert handles[0].last_step().kept.tolist() == kept
    for key, parameter in batch.named_parameters():
        got = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(got, total[key], atol=1e-5, rtol=1e-4)
    states = [handle.state_dict() for handle in handles]
    assert states[0]["output"] == pytest.approx(states[1]["output"])
    for one, other in zip(*(state["layers"].values() for state in states), strict=True):
        assert one == pytest.approx(other)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_batch_is_decided_by_the_memory_before_it_and_leaves_the_mean(reduction: str) -> None:
    make, shape = NETWORKS["sequence"]
    torch.manual_seed(0)
    model, x, y = make().eval(), torch.randn(6, *shape), torch.randint(0, CLASSES, (6,))
    handle = apply_(model, "memorised_top_k", example_input=x[:1], reduction=reduction)
    for _ in range(2):  # so that there is something to remember
        step_of(model, handle, x[:1], y[:1])
    before = copy.deepcopy(handle.state_dict())
    remembered = [name for name, numbers in before["layers"].items() if "residual" in numbers]
    assert remembered
    assert all(before["layers"][name]["residual"].any() for name in remembered)

    def gradients(rows: slice) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
        handle.load_state_dict(before)
        model.zero_grad()
        functional.cross_entropy(model(x[rows]), y[rows], reduction=reduction).backward()
        after = handle.state_dict()["layers"]
        return [p.grad.clone() for p in model.parameters()], {name: after[name]["residual"] for name in remembered}

    alone = [gradients(slice(row, row + 1)) for row in range(len(x))]
    together, left = gradients(slice(None))
    for number, gradient in enumerate(together):
        of_each = torch.stack([one[0][number] for one in alone])
        torch.testing.assert_close(gradient, of_each.mean(0) if reduction == "mean" else of_each.sum(0))
    for name in remembered:
        torch.testing.assert_close(left[name], torch.stack([one[1][name] for one in alone]).mean(0))


def pool_first() -> nn.Module:
    """A ReLU behind the pool, which the engine fuses as well, and pools without any."""
    body = [nn.Conv2d(2, 4, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.MaxPool2d(2), nn.Tanh()]
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(20, 7), nn.ReLU6(), nn.Linear(7, CLASSES))


def pool_apart() -> nn.Module:
    """A pool that the engine leaves apart, ReLUs that write in place."""
    body = [nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3), nn.Conv2d(4, 5, 1), nn.MaxPool2d(2)]
    return nn.Sequential(*body, nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(20, 7), nn.Linear(7, CLASSES))


def signal_pooled() -> nn.Module:
    """A signal, pooled before and behind a ReLU; one that is flattened before its ReLU."""
    body = [nn.Conv1d(2, 4, 3), nn.MaxPool1d(2), nn.ReLU(), nn.Conv1d(4, 3, 2), nn.ReLU(), nn.MaxPool1d(2)]
    return nn.Sequential(*body, nn.Conv1d(3, 4, 2), nn.Flatten(), nn.ReLU(), nn.Linear(4, CLASSES))


@pytest.mark.parametrize(
    ("make", "shape"), [(pool_first, (2, 13, 13)), (pool_apart, (2, 13, 13)), (signal_pooled, (2, 13))]
)
def test_answers_are_taken_where_the_engine_has_them(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    """Look by look the responses, not the decisions alone, whatever is fused."""
    torch.manual_seed(0)
    model, x, y = make().eval(), torch.randn(14, *shape), torch.randint(0, CLASSES, (14,))
    method = tinyprop.Velocity(eps=0.003, samples=3, period=5)
    oracle = OracleTrainer(tinyprop.capture(model, x[:1]).train(method).train_program)
    handle = apply_(model, method, example_input=x[:1])
    for step in range(len(x)):
        done = oracle.step(x[step].numpy(), int(y[step]), RATE)
        assert step_of(model, handle, x[step : step + 1], y[step : step + 1]).kept[0].tolist() == [*done.kept]
    for step, memory in zip(oracle.train.looked_at, handle.state_dict()["layers"].values(), strict=False):
        node, rule = oracle.train.answer_of(step)
        channels, positions = oracle.train.program.value_out(node).channels
        words = np.frombuffer(oracle._layer_states[step.layer].residual, np.float32)[: -FACTS * channels]
        expected = words.reshape(rule.samples, channels, positions).transpose(1, 0, 2).reshape(channels, -1)
        np.testing.assert_allclose(memory["residual"][:, : expected.shape[1]], expected, rtol=1e-5, atol=1e-5)


def test_full_training_is_pytorchs_own() -> None:
    for make, shape in NETWORKS.values():
        torch.manual_seed(0)
        model, x, y = make(), torch.randn(5, *shape), torch.randint(0, CLASSES, (5,))
        plain = copy.deepcopy(model)
        handle = apply_(model, "full")
        for trained in (model, plain):
            functional.cross_entropy(trained(x), y).backward()
        for got, expected in zip(model.parameters(), plain.parameters(), strict=True):
            assert torch.equal(got.grad, expected.grad)
        assert handle.stats().effort_bwd == handle.stats().effort_total == 1


NOT_FINITE = {"NaN": [np.nan], "NaN with a sign": [-np.nan], "infinities": [np.inf, -np.inf], "both": [-np.inf, np.nan]}
RULES = [
    *(KeepRatio(0.1, 0.3), KeepRatio(0.2, 0.2, k_min=1), KeepMemorised(0.1), KeepChannels(0.1, 0.3)),
    *(KeepChannels(0.3, 0.3), KeepAbove(0.8), KeepAbove(0.0), KeepDiffused(1.25), KeepSteered(0.1), KeepAll()),
]


@pytest.mark.parametrize("bad", NOT_FINITE)
@pytest.mark.parametrize("shape", [(96, 1), (8, 12)], ids=str)
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_what_is_not_finite_is_ranked_as_by_the_rule(rule: SelectionRule, shape: tuple[int, ...], bad: str) -> None:
    """Also beside samples of a batch that are finite, with ties and with zeros."""
    rng = np.random.default_rng(0)
    delta = rng.normal(size=(4, *shape)).astype(np.float32)
    delta[0].flat[rng.choice(96, 6, replace=False)] = np.resize(np.float32(NOT_FINITE[bad]), 6)
    delta[1:3] = np.round(delta[1:3])
    seen, losses = np.float32(1e3), rng.random(4).astype(np.float32)
    memory, place = Memory(y_max=seen), Place(96, 96, 1.0, losses)
    kept, count, every = select(rule, torch.from_numpy(delta), memory, place)
    for sample, loss in enumerate(losses):
        state = LayerState(**({rule.memory: seen} if rule.memory == "y_max" else {}))
        more = {"loss": loss} if rule.reads_loss else {}
        _, selected = rule.select(state, delta[sample], 96, np.arange(96), **more)
        np.testing.assert_array_equal(kept[sample].reshape(shape), selected.delta)
        assert count[sample] == np.count_nonzero(selected.delta)
        assert bool(every is not None and every[sample]) == (selected.kept.all() and not isinstance(rule, KeepAll))
