"""`apply_` as its users meet it: what stays as it was, what is refused, what the handle says."""

import copy
import io
import pickle
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import tinyprop
from tinyprop.methods import LayerInfo, TrainSpec
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_steered import KeepSteered
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.nn import Handle, apply_
from tinyprop.nn.selections import Memory, Place, select

CLASSES = 5


def convolutional() -> nn.Sequential:
    torch.manual_seed(0)
    body = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*body, nn.Linear(24, CLASSES))


def batch(samples: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(samples, 1, 8, 8, generator=generator)
    return x, torch.randint(0, CLASSES, (samples,), generator=generator)


def gradients(run: nn.Module, model: nn.Module | None = None) -> list[torch.Tensor | None]:
    model = run if model is None else model
    model.zero_grad()
    x, y = batch()
    functional.cross_entropy(run(x), y).backward()
    return [None if p.grad is None else p.grad.clone() for p in model.parameters()]


def same(one: list[torch.Tensor | None], other: list[torch.Tensor | None]) -> bool:
    return all(torch.allclose(a, b, atol=1e-6) for a, b in zip(one, other, strict=True))


SKIPS_HALF = tinyprop.Ours(tau=1.5)  # of the batch above, by this network, far from any sample's loss


@pytest.fixture
def model() -> nn.Sequential:
    return convolutional()


def test_modules_parameters_and_keys_stay_and_remove_undoes_it(model: nn.Sequential) -> None:
    plain, before = gradients(model), {key: id(value) for key, value in model.named_parameters()}
    kinds = [type(module) for module in model.modules()]
    handle = tinyprop.apply_(model, SKIPS_HALF)
    sparse = gradients(model)
    assert not same(plain, sparse)
    assert {key: id(value) for key, value in model.named_parameters()} == before
    assert [type(module) for module in model.modules()] == kinds
    assert list(model.state_dict()) == list(convolutional().state_dict())
    assert 0 < handle.stats().skipped < 1
    handle.remove()
    assert same(plain, gradients(model))
    assert handle.stats().samples == 8


def test_survives_pickling_copying_saving_compiling_and_exporting(model: nn.Sequential) -> None:
    handle = apply_(model, SKIPS_HALF, example_input=batch()[0][:1])
    expected = gradients(model)
    assert same(expected, gradients(pickle.loads(pickle.dumps(model))))
    assert same(expected, gradients(copy.deepcopy(model)))
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    assert same(expected, gradients(torch.load(file, weights_only=False)))
    assert same(expected, gradients(torch.compile(model, backend="aot_eager"), model))
    names = [str(node.target) for node in torch.export.export(model, (batch()[0][:1],), strict=False).graph.nodes]
    assert not any("view_as" in name for name in names)
    assert tinyprop.capture(model, batch()[0][:1]).program.layers
    assert handle.stats().samples == 16  # the model's own, and the compiled one's: copies count for themselves


def test_no_mapping_over_what_is_decided_by_numbers(model: nn.Sequential) -> None:
    apply_(model, "ours", example_input=batch()[0][:1])

    def loss(weights: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(torch.func.functional_call(model, weights, (x[None],)), y[None])

    weights = {key: value.detach() for key, value in model.named_parameters()}
    with pytest.raises(tinyprop.UserError, match="vmap"):
        torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(weights, *batch())


def test_skipped_samples_move_no_weight_even_with_momentum_and_decay(model: nn.Sequential) -> None:
    handle = apply_(model, tinyprop.LossSkip(tau=100))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    before = copy.deepcopy(model.state_dict())
    assert gradients(model) == [None] * 6
    optimizer.step()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert handle.stats().skipped == 1
    assert handle.stats().effort_bwd == 0
    assert handle.last_step().skipped.all()
    assert not handle.last_step().kept.any()


@pytest.mark.parametrize("settings", [{"padding": "same"}, {"padding": 2, "padding_mode": "circular"}, {"groups": 2}])
@pytest.mark.parametrize("dims", [1, 2])
def test_gradients_of_the_samples_that_stay_are_pytorchs(settings: dict, dims: int) -> None:
    """Skipped samples are dropped from the backward pass; of the others every geometry's gradient is autograd's."""
    torch.manual_seed(0)
    conv = (nn.Conv1d, nn.Conv2d)[dims - 1]
    model = nn.Sequential(
        conv(2, 4, 4, dilation=2, **settings), nn.ReLU(), conv(4, 3, 3, stride=2), nn.Flatten(), nn.LazyLinear(CLASSES)
    )
    x, y = torch.randn(6, 2, *(12,) * dims), torch.randint(0, CLASSES, (6,))
    losses = functional.cross_entropy(model(x), y, reduction="none").detach()
    tau = float(losses.median()) + 1e-4
    functional.cross_entropy(model(x[losses > tau]), y[losses > tau], reduction="sum").backward()
    expected = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()
    handle = apply_(model, tinyprop.LossSkip(tau), reduction="sum")
    functional.cross_entropy(model(x), y, reduction="sum").backward()
    assert handle.stats().skipped == 0.5
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-5, rtol=1e-5)


def test_layers_that_read_rows_of_a_sample(model: nn.Module) -> None:
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4), nn.Flatten(), nn.Linear(20, CLASSES))
    x, y = torch.randn(6, 5, 3), torch.randint(0, CLASSES, (6,))
    handle = apply_(model, tinyprop.Ours(carry=0.0, drop=0.0, tau=0.0), example_input=x[:1])
    assert [(site.info.n, site.info.positions) for site in handle.sites] == [(40, 5), (20, 5), (5, 1)]
    functional.cross_entropy(model(x), y).backward()
    got = [parameter.grad.clone() for parameter in model.parameters()]
    handle.remove()
    model.zero_grad()
    functional.cross_entropy(model(x), y).backward()
    for gradient, parameter in zip(got, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad)


def test_mixed_precision_and_scaled_losses(model: nn.Sequential) -> None:
    handle = apply_(model, SKIPS_HALF, loss_scale=lambda: 1024.0)
    x, y = batch()
    (functional.cross_entropy(model(x), y) * 1024).backward()
    scaled = [parameter.grad / 1024 for parameter in model.parameters()]
    handle.remove()
    apply_(model, SKIPS_HALF)
    assert same(scaled, gradients(model))
    with torch.autocast("cpu", torch.bfloat16):
        half = gradients(model)
    assert all(gradient.dtype == torch.float32 for gradient in half)
    torch.testing.assert_close(half[-1], scaled[-1], atol=0.02, rtol=0.1)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_squared_error_and_smoothed_labels_tell_each_samples_loss(model: nn.Sequential, reduction: str) -> None:
    x, y = batch()
    targets = torch.randn(8, CLASSES)
    handle = apply_(model, "tinyprop_v2", loss="mse", reduction=reduction)
    functional.mse_loss(model(x), targets, reduction=reduction).backward()
    expected = (model(x) - targets).square().mean(1).detach()
    np.testing.assert_allclose(handle.last_step().loss, expected, rtol=1e-5)
    handle.remove()
    smooth = tinyprop.CrossEntropy(label_smoothing=0.2)
    handle = apply_(model, "tinyprop_v2", loss=smooth, reduction=reduction)
    functional.cross_entropy(model(x), y, label_smoothing=0.2, reduction=reduction).backward()
    expected = functional.cross_entropy(model(x), y, label_smoothing=0.2, reduction="none").detach()
    np.testing.assert_allclose(handle.last_step().loss, expected, rtol=1e-4)


def test_operations_in_place_behind_a_layer() -> None:
    class Writing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.head = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 1), nn.Linear(4 * 36, CLASSES)
            self.in_place = True

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = functional.relu(self.first(x), inplace=self.in_place)
            y = self.second(x)
            y = y.add_(x) if self.in_place else y + x
            return torch.sigmoid(self.head(functional.relu(y, inplace=self.in_place).flatten(1)))

    torch.manual_seed(0)
    model = Writing()
    apply_(model, SKIPS_HALF)
    x, y = batch()
    found = []
    for in_place in (False, True):
        model.in_place = in_place
        model.zero_grad()
        outputs = model(x)
        functional.cross_entropy(outputs.add_(0) if in_place else outputs, y).backward()
        found.append([parameter.grad for parameter in model.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_an_error_that_comes_beside_the_outputs() -> None:
    """An auxiliary loss on a hidden value, in a batch of which every sample is skipped."""
    model = convolutional()
    hidden: list[torch.Tensor] = []
    model[4].register_forward_hook(lambda module, args, output: hidden.append(output))
    apply_(model, tinyprop.Ours(tau=100.0), example_input=batch()[0][:1])
    x, y = batch()
    (functional.cross_entropy(model(x), y) + hidden[-1].square().mean()).backward()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_gradients_of_gradients_are_refused_in_words(model: nn.Sequential) -> None:
    apply_(model, "ours", example_input=batch()[0][:1])
    x, y = batch()
    weight = model[0].weight
    (gradient,) = torch.autograd.grad(functional.cross_entropy(model(x), y), weight, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_only_some_layers(model: nn.Sequential) -> None:
    model[0].bias.requires_grad_(False)
    handle = apply_(model, "ours", lambda module, path: path != "3", example_input=batch()[0][:1])
    assert [site.name for site in handle.sites] == ["0", "6"]
    assert handle.sites[0].info.parameters == 36
    model[0].weight.requires_grad_(False)
    assert [g is None for g in gradients(model)] == [True, True, False, False, False, False]


def test_a_batch_norm_passes_in_eval_mode_only() -> None:
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(108, CLASSES))
    apply_(model, "ours")
    with pytest.raises(tinyprop.UserError, match=r"batch norm '1' is in training mode.*eval\(\)"):
        model(batch()[0])
    model[1].eval()
    assert all(gradient is not None for gradient in gradients(model))


class Strange(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.twice, self.never = nn.GRU(4, 4, batch_first=True), nn.Linear(4, 4), nn.Linear(4, 4)
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.twice(self.twice(self.rnn(x)[0][:, -1])))


def test_everything_that_cannot_be_governed_is_listed_with_a_remedy() -> None:
    model, x = Strange(), torch.randn(2, 3, 4)
    with pytest.raises(tinyprop.UserError) as told:
        apply_(model, "ours", example_input=x)
    for line in ("rnn: GRU has parameters", "twice: is called 2 times", "never: is never called"):
        assert line in str(told.value)
    assert str(told.value).count("filter_fn") == 3
    assert not any(module._forward_hooks for module in model.modules())
    apply_(model, "ours", lambda module, path: path == "head", example_input=x)
    functional.cross_entropy(model(x), torch.tensor([0, 1])).backward()
    assert model.rnn.weight_ih_l0.grad is not None


class Unusual(nn.Module):
    """What its modules do not tell: one is called twice, one is not."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.never, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.twice(self.twice(x)))


def test_a_first_call_that_cannot_be_governed_leaves_the_model_as_it_was() -> None:
    model, x = Unusual(), torch.randn(2, 4)
    handle = apply_(model, "last_layers")
    assert "waiting for the first call" in str(handle)
    with pytest.raises(tinyprop.UserError, match="cannot be trained sparsely") as told:
        model(x)
    for line in ("twice: is called 2 times", "never: is never called", "The method is off again: mend this, then call"):
        assert line in str(told.value)
    assert model(x).shape == (2, CLASSES)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not any(hooks for module in model.modules() for hooks in (module._forward_hooks, module._forward_pre_hooks))
    assert handle.sites == ()
    assert "taken off before the first call" in str(handle)
    apply_(model, "last_layers", lambda module, path: path == "head")


def test_a_first_call_on_inputs_that_do_not_fit_is_no_refusal(model: nn.Sequential) -> None:
    handle = apply_(model, "ours")
    with pytest.raises(RuntimeError, match="channels"):
        model(torch.randn(2, 3, 8, 8))
    gradients(model)
    assert handle.stats().samples == 8


class Embedded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.rnn, self.norm = nn.Embedding(9, 4), nn.GRU(4, 4, batch_first=True), nn.LayerNorm(4)
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.rnn(self.words(x))[0][:, -1]))


def test_what_modules_alone_tell_is_refused_without_an_example() -> None:
    model = Embedded()
    with pytest.raises(tinyprop.UserError, match="Embedded cannot be trained sparsely") as told:
        apply_(model, "ours")
    for line in ("words: Embedding has parameters", "rnn: GRU has parameters", "norm: LayerNorm has parameters"):
        assert line in str(told.value)
    assert not any(module._forward_pre_hooks for module in model.modules())
    handle = apply_(model, "ours", lambda module, path: path == "head")
    functional.cross_entropy(model(torch.ones(2, 3, dtype=torch.int64)), torch.tensor([0, 1])).backward()
    assert [site.name for site in handle.sites] == ["head"]
    for nothing, message in ((nn.Sequential(nn.ReLU()), "has no Linear"), (nn.LazyLinear(3), "shape is not known yet")):
        with pytest.raises(tinyprop.UserError, match=message):
            apply_(nothing, "ours")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "our"}, "unknown method 'our': did you mean 'ours'"),
        ({"method": 3}, "method is 3"),
        ({"model": "net"}, "model is a str"),
        ({"reduction": "none"}, "unknown reduction 'none'"),
        ({"loss": "hinge"}, "unknown loss 'hinge'"),
        ({"model": nn.Sequential(nn.ReLU())}, "has no Linear"),
        ({"model": nn.Sequential(nn.LazyLinear(3))}, "its shape is not known yet"),
    ],
)
def test_what_is_refused_at_once(change: dict, message: str) -> None:
    given = {"model": convolutional(), "method": "ours", "example_input": batch()[0][:1]} | change
    with pytest.raises(tinyprop.UserError, match=message):
        apply_(**given)


def test_outputs_that_hold_no_loss_per_sample_are_refused(model: nn.Sequential) -> None:
    with pytest.raises(tinyprop.UserError, match=r"returns shape \(4,\): let forward return one tensor"):
        apply_(nn.Sequential(nn.Linear(3, 4), nn.Flatten(0)), "ours", example_input=torch.zeros(1, 3))
    apply_(maps := nn.Sequential(nn.Conv2d(1, 3, 3)), "ours")
    with pytest.raises(tinyprop.UserError, match="several losses a sample"):
        maps(batch()[0])
    with pytest.raises(tinyprop.UserError, match="several losses a sample"):
        apply_(maps, "ours", example_input=batch()[0])


class Cat(nn.Module):
    """What a pool reads is read by a concatenation as well, as in every U-Net."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(512, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.down(x))
        below = functional.relu(self.deep(functional.max_pool2d(x, 2)))
        return self.head(torch.cat([x, functional.interpolate(below, scale_factor=2)], 1).flatten(1))


def test_a_pool_that_is_not_alone_leaves_the_error_whole() -> None:
    torch.manual_seed(0)
    model = Cat()
    plain = gradients(model)
    handle = apply_(model, "full_zero_skip", example_input=batch()[0][:1])
    assert handle.sites[0].window == ()
    assert same(plain, gradients(model))


def test_batch_norms_learn_no_more_than_the_layer_they_scale() -> None:
    body = [nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(108, CLASSES)]
    weights = tinyprop.SparseUpdate(weights=1, biases=0)
    cases = [("last_layers", []), ("bias_only", ["0.bias", "1.bias"]), (weights, ["0.weight", "1.weight"])]
    for method, learn in cases:
        model = nn.Sequential(*body)
        model[1].eval()
        handle = apply_(model, method, example_input=batch()[0][:1])
        gradients(model)
        found = [key for key, parameter in model.named_parameters() if parameter.grad is not None]
        assert found == [*learn, "4.weight", "4.bias"]
        handle.remove()
        assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_loss_that_overflows_is_forgotten(model: nn.Sequential) -> None:
    """As a GradScaler lets it, on its way to a scale."""
    handle = apply_(model, tinyprop.TinyPropV2())
    x, y = batch()
    gradients(model)
    before = handle.state_dict()
    for scale in (float("inf"), float("nan")):
        (functional.cross_entropy(model(x), y) * scale).backward()
    assert handle.state_dict() == before
    assert handle.stats().skipped < 1


class Standardised(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self.weight - self.weight.mean(1, keepdim=True), self.bias)


def test_layers_that_compute_something_else_are_listed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        normed = nn.utils.weight_norm(nn.Linear(4, 4))
    model = nn.Sequential(Standardised(4, 4), normed, nn.Linear(4, CLASSES))
    with pytest.raises(tinyprop.UserError, match="cannot be trained sparsely") as told:
        apply_(model, "ours", example_input=torch.zeros(1, 4))
    assert "0: Standardised computes more" in str(told.value)
    assert "1: Linear computes more" in str(told.value)


def test_a_layer_whose_first_dimension_is_not_the_batch_is_listed() -> None:
    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.each, self.head = nn.Linear(3, 4), nn.Linear(20, CLASSES)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.each(x.flatten(0, 1)).reshape(len(x), -1))

    with pytest.raises(tinyprop.UserError, match="each: its first dimension is 5, the model's 1"):
        apply_(Windows(), "ours", example_input=torch.zeros(1, 5, 3))


def test_a_part_of_a_model_with_a_method_is_refused(model: nn.Sequential) -> None:
    apply_(model, "ours", example_input=batch()[0][:1])
    with pytest.raises(tinyprop.UserError, match="already"):
        apply_(model[:4], "full", example_input=batch()[0][:1])


@pytest.mark.parametrize("example", [batch()[0][:1], None], ids=["example", "none"])
def test_a_rule_that_is_not_there_for_batches_is_named(model: nn.Sequential, example: torch.Tensor | None) -> None:
    class Other(KeepAll):
        pass

    class Mine(tinyprop.Method):
        name, title, summary = "mine", "mine", "a rule of its own"

        def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
            return TrainSpec("mine", True, NeverSkip(), tuple(Other() for _ in layers))

    with pytest.raises(tinyprop.UserError, match="method 'mine' uses Other, which is not there for batches"):
        apply_(model, Mine(), example_input=example)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_method_that_refuses_sizes_is_heard_when_they_are_known(model: nn.Sequential) -> None:
    class Picky(tinyprop.Full):
        def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
            if [layer.n for layer in layers] != [256, 24, 5]:
                raise tinyprop.UserError("other sizes")
            return super().spec(layers)

    apply_(model, Picky())
    model(batch()[0])
    apply_(other := nn.Sequential(nn.Linear(3, CLASSES)), Picky())
    with pytest.raises(tinyprop.UserError, match="other sizes\nThe method is off again"):
        other(torch.zeros(2, 3))
    assert other(torch.zeros(2, 3)).shape == (2, CLASSES)


@pytest.mark.parametrize("samples", [1, 64, 256])
def test_a_budget_holds_in_batches(samples: int) -> None:
    torch.manual_seed(0)
    memory, kept = Memory(), []
    for _ in range(600 if samples == 1 else 200):
        delta = torch.randn(samples, 64)
        kept.append(float((select(KeepSteered(0.1), delta, memory, Place(64, 64, 1.0))[0] != 0).float().mean()))
    assert np.mean(kept[len(kept) // 2 :]) == pytest.approx(0.1, rel=0.1)


def test_calls_by_keyword_empty_batches_and_several_inputs() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(3, 4), nn.Linear(4, CLASSES)

        def forward(self, x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
            return self.head(input=functional.relu(self.body(input=x * scale)))

    model = Two()
    handle = apply_(model, "ours", example_input=(torch.zeros(1, 3), torch.ones(())))
    functional.cross_entropy(model(torch.randn(4, 3), torch.ones(())), torch.tensor([0, 1, 2, 3])).backward()
    assert handle.stats().samples == 4
    model(torch.randn(0, 3), torch.ones(())).sum().backward()
    assert handle.stats().samples == 4


def test_a_part_called_alone_trains_on_all_of_its_samples(model: nn.Sequential) -> None:
    handle = apply_(model, SKIPS_HALF, example_input=batch()[0][:1])
    gradients(model)
    assert 0 < handle.stats().skipped < 1
    x, y = batch()
    model.zero_grad()
    functional.cross_entropy(nn.Sequential(*model)(x), y).backward()
    expected = model[-1].bias.grad.clone()
    handle.remove()
    model.zero_grad()
    functional.cross_entropy(model(x), y).backward()
    assert torch.allclose(expected, model[-1].bias.grad)


def test_applying_twice_and_a_model_without_one_output(model: nn.Sequential) -> None:
    apply_(model, "ours")
    with pytest.raises(tinyprop.UserError, match=r"already: call remove\(\)"):
        apply_(model, "full")
    two = nn.Sequential(nn.Linear(3, 4))
    apply_(two, "full", example_input=torch.zeros(1, 3))
    two.register_forward_hook(lambda module, args, output: (output, output), prepend=True)
    with pytest.raises(tinyprop.UserError, match="returns tuple"):
        two(torch.zeros(2, 3))


def trained(model: nn.Module, handle: Handle, steps: int) -> nn.Module:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        gradients(model)
        optimizer.step()
    return model


def test_a_resumed_run_is_the_undisturbed_one() -> None:
    method = tinyprop.TinyPropV2(s_max=0.3, theta_skip=0.6)
    straight = convolutional()
    trained(straight, apply_(straight, method), 6)
    first = convolutional()
    handle = apply_(first, method)
    trained(first, handle, 3)
    saved = pickle.dumps((first.state_dict(), handle.state_dict()))
    second = convolutional()
    weights, state = pickle.loads(saved)
    second.load_state_dict(weights)
    again = apply_(second, method, example_input=batch()[0][:1])
    again.load_state_dict(state)
    trained(second, again, 3)
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), second.parameters(), strict=True))


def test_a_state_of_something_else_is_refused(model: nn.Sequential) -> None:
    x = batch()[0][:1]
    handle = apply_(model, tinyprop.TinyPropV2(), example_input=x)
    state = handle.state_dict()
    other = apply_(convolutional(), tinyprop.TinyPropV1(), example_input=x)
    with pytest.raises(tinyprop.UserError, match="the state is of tinyprop_v2, the method here tinyprop_v1"):
        other.load_state_dict(state)
    other = apply_(convolutional(), tinyprop.TinyPropV2(s_max=0.2), example_input=x)
    with pytest.raises(tinyprop.UserError, match=r"settings of the method here .*0\.2"):
        other.load_state_dict(state)
    with pytest.raises(tinyprop.UserError, match="layers 0, 3, 6, and here are"):
        apply_(convolutional(), tinyprop.TinyPropV2()).load_state_dict(state)
    with pytest.raises(tinyprop.UserError, match="no state of a method"):
        handle.load_state_dict({"weight": 1})


def test_looks_go_with_the_state_and_change_nothing_else(model: nn.Sequential) -> None:
    """Half of a training, and the rest of it from its state, are the whole in one piece."""
    method = tinyprop.Velocity(eps=0.01, samples=3, period=1)
    torch.manual_seed(1)
    batches = [batch() for _ in range(6)]
    whole, half = copy.deepcopy(model), copy.deepcopy(model)
    handles = [apply_(one, method, example_input=batches[0][0][:1]) for one in (whole, half)]

    def learn(one: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
        one.zero_grad()
        functional.cross_entropy(one(x), y).backward()
        with torch.no_grad():
            for parameter in one.parameters():
                if parameter.grad is not None:
                    parameter -= 0.1 * parameter.grad

    for x, y in batches:
        learn(whole, x, y)
    for x, y in batches[:3]:
        learn(half, x, y)
    state = copy.deepcopy(handles[1].state_dict())
    assert state["looks"]["count"] > method.samples
    torch.testing.assert_close(state["looks"]["samples"], [batches[0][0][:3]])
    again = copy.deepcopy(model)
    again.load_state_dict(half.state_dict())
    handle = apply_(again, method, example_input=batches[0][0][:1])
    handle.load_state_dict(state)
    for x, y in batches[3:]:
        learn(again, x, y)
    settled = [layer["residual"][:, -1] for layer in handle.state_dict()["layers"].values() if "residual" in layer]
    assert 0 < sum(float(flags.sum()) for flags in settled) < sum(len(flags) for flags in settled)
    for got, expected in zip(again.parameters(), whole.parameters(), strict=True):
        assert torch.equal(got, expected)
    assert handles[0].stats().effort_bwd < 1


def test_a_model_called_with_keywords_is_not_looked_at() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Linear(4, 5), nn.Linear(5, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.first(x).relu())

    model = Named()
    apply_(model, "velocity", example_input=torch.zeros(1, 4))
    with pytest.raises(tinyprop.UserError, match="call it with tensors, samples first, and no keywords"):
        model(x=torch.zeros(2, 4)).sum().backward()


def test_errors_left_over_of_another_shape_are_refused_and_change_nothing() -> None:
    x, method = batch()[0], tinyprop.MemorisedTopK(0.01)
    model = nn.Sequential(*convolutional()[:-1], nn.Linear(24, 30), nn.ReLU(), nn.Linear(30, CLASSES))
    handle = apply_(model, method, example_input=x[:1])
    gradients(model)
    state = handle.state_dict()
    shapes = {name: tuple(layer["residual"].shape) for name, layer in state["layers"].items() if "residual" in layer}
    assert shapes == {"0": (4, 4, 4), "3": (6, 2, 2), "6": (30,)}  # the first where its pool looked
    handle.load_state_dict(state)
    bad = copy.deepcopy(state)
    bad["output"], bad["layers"]["0"]["residual"] = 9.0, torch.ones(4, 8, 8)
    bad["layers"]["8"]["residual"] = torch.ones(5)  # the output layer, which leaves nothing over
    with pytest.raises(tinyprop.UserError) as refused:
        handle.load_state_dict(bad)
    assert str(refused.value) == (
        "the state has what selections remember in other shapes (0: (4, 8, 8) in place of (4, 4, 4), 8: (5,) in place "
        "of ()): load that of the same model."
    )
    after = handle.state_dict()
    assert after["output"] == state["output"]
    assert all(torch.equal(after["layers"][name]["residual"], state["layers"][name]["residual"]) for name in shapes)


def test_statistics_are_of_what_was_counted(model: nn.Sequential) -> None:
    handle = apply_(model, tinyprop.FullZeroSkip(), example_input=batch()[0][:1])
    empty = handle.stats()
    assert empty.samples == 0
    assert np.isnan(empty.effort_bwd)
    with pytest.raises(tinyprop.UserError, match="no backward pass"):
        handle.last_step()
    gradients(model)
    stats, kept = handle.stats(), handle.last_step().kept
    assert list(stats.layers) == ["0", "3", "6"]
    n, macs = np.array([256, 24, 5]), np.array([9, 36, 24])
    share = kept.mean(0) / n
    assert [layer.kept for layer in stats.layers.values()] == pytest.approx(share.tolist())
    parts = n * macs * np.array([1, 2, 2])  # the lowest layer sends no error
    assert stats.effort_bwd == pytest.approx((parts * share).sum() / parts.sum())
    assert stats.effort_total == pytest.approx(((n * macs).sum() + (parts * share).sum()) / (n * macs + parts).sum())
    assert set(stats.scalars()) == {"skipped", "effort_bwd", "effort_total", "kept/0", "kept/3", "kept/6"}
    assert "8 samples, 0% skipped" in str(handle)
    handle.restart_stats()
    assert handle.stats().samples == 0


def test_nothing_of_the_model_changes_when_its_layers_are_learned() -> None:
    model = nn.Sequential(nn.Dropout(0.5), *convolutional(), nn.BatchNorm1d(CLASSES))
    before = copy.deepcopy(model.state_dict())
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    apply_(model, "ours", example_input=batch()[0])
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
