"""Networks nobody chose: whatever Hypothesis draws, the compiled engine computes what the oracle computes."""

from collections.abc import Callable

import numpy as np
import torch
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from torch import nn

import tinyprop
from battery.rules import for_any_network
from tinyprop.codegen.layout import weight_hash
from tinyprop.ir.oracle import OracleTrainer

Draw = Callable[[st.SearchStrategy], int]


ACTIVATIONS = (nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU)


class Skip(nn.Module):
    """Adds what it does to its input to the input."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


@st.composite
def networks(draw: Draw) -> tuple[nn.Module, tuple[int, ...]]:
    """Up to two convolutions, up to two dense layers and batch norms in a chain, on a small odd-sized map."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(5, 9)), draw(st.integers(5, 9)))
    layers: list[nn.Module] = []
    channels = shape[0]
    probe = torch.zeros(1, *shape)
    torch.manual_seed(draw(st.integers(0, 99)))
    for _ in range(draw(st.integers(0, 2))):
        out, kernel = draw(st.integers(1, 6)), draw(st.sampled_from([1, 2, 3]))
        conv = nn.Conv2d(channels, out, kernel, draw(st.integers(1, 2)), kernel // 2, bias=draw(st.booleans()))
        norms = [nn.BatchNorm2d(out)] if draw(st.booleans()) else []
        layers += [conv, *norms, draw(st.sampled_from(ACTIVATIONS))()]
        if draw(st.booleans()):
            inner = nn.Conv2d(out, out, 3, padding=1, groups=draw(st.sampled_from([1, out])))
            layers += [
                Skip(nn.Sequential(inner, draw(st.sampled_from(ACTIVATIONS))())),
                draw(st.sampled_from(ACTIVATIONS))(),
            ]
        channels = out
        probe = torch.zeros(1, *nn.Sequential(*layers).eval()(torch.zeros(1, *shape)).shape[1:])
        if min(probe.shape[2:]) >= 3 and draw(st.booleans()):
            pool = draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]))
            layers.append(pool(draw(st.sampled_from([2, 3])), draw(st.sampled_from([1, 2, 3]))))
            probe = nn.Sequential(*layers).eval()(torch.zeros(1, *shape))
    layers.append(nn.Flatten())
    width = probe[0].numel()
    for _ in range(draw(st.integers(0, 2))):
        hidden = draw(st.integers(1, 20))
        layers += [nn.Linear(width, hidden, bias=draw(st.booleans())), nn.ReLU()]
        width = hidden
    if draw(st.booleans()):
        layers.append(nn.BatchNorm1d(width))
    model = nn.Sequential(*layers, nn.Linear(width, draw(st.integers(2, 18))))
    for norm in (module for module in model if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return model.eval(), shape


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    drawn=networks(),
    method=st.sampled_from(sorted(tinyprop.METHODS)),
    kernels=st.sampled_from(["inline", "size"]),
    batch_norm=st.sampled_from(["fold", "train"]),
    data=st.data(),
)
def test_engine_and_oracle_agree_bit_for_bit(
    drawn: tuple[nn.Module, tuple[int, ...]], method: str, kernels: str, batch_norm: str, data: st.DataObject
) -> None:
    model, shape = drawn
    network = tinyprop.capture(model, torch.zeros(1, *shape), name="drawn", batch_norm=batch_norm)
    layers = [node.name for node in network.program.layers if node.trained]
    words = [word for word, choice in tinyprop.CHOICES.items() if choice.parameters(network.program)]
    trainable = data.draw(st.sampled_from(["all", *words]) | st.lists(st.sampled_from(layers), min_size=1, unique=True))
    trainer = network.train(for_any_network(method), kernels=kernels, trainable=trainable)
    note(str(trainer))
    event(f"{min(len(trainer.storage.mask), 2)} masks or more")
    generator = np.random.default_rng(5)
    x = generator.standard_normal((6, *shape)).astype(np.float32)
    x[generator.random(x.shape) < 0.3] = 0
    y = generator.integers(0, trainer.train_program.program.output.size, 6)
    oracle = OracleTrainer(trainer.train_program)
    expected = oracle.fit(x, y, 0.05)
    with trainer.build("host") as engine:
        trace = engine.fit(x, y, lr=0.05)
        assert engine.weight_hash() == weight_hash(oracle.parameters)
    for column in ("loss", "predicted", "skipped", "kept", "macs_forward", "macs_backward", "looks"):
        assert (getattr(trace, column) == getattr(expected, column)).all(), column
