"""What the benchmark's networks learn from: MNIST where the user has it, else scikit-learn's digits scaled up."""

from dataclasses import dataclass

import torch
from scipy import ndimage
from torch.nn import functional

from tinyprop.bench.benchmark.config import BenchConfig, BenchNetwork
from tinyprop.bench.digits import ROTATION_DEGREES, Samples, rotated
from tinyprop.bench.mnist import load_mnist, mnist_file

DIGITS, MNIST = "digits", "mnist"


@dataclass(frozen=True)
class BenchData:
    """pretrain: upright; field, test: as the device meets them. source: "digits" or "mnist"; summary: for readers."""

    source: str
    summary: str
    pretrain: Samples
    field: Samples
    test: Samples


def bench_data(network: BenchNetwork, config: BenchConfig) -> BenchData:
    """The samples for one network, (N, 1, side, side). Raises UserError when MNIST is there but damaged."""
    path = mnist_file() if network.mnist else None
    data = _digits(config) if path is None else _mnist(*load_mnist(path, **_counts(config)), config)
    native = data.field.x.shape[-1]
    if native == network.side:
        return data
    parts = (_resized(part, network.side) for part in (data.pretrain, data.field, data.test))
    return BenchData(
        data.source, f"{data.summary}, resized from {native}×{native} to {network.side}×{network.side}", *parts
    )


def _digits(config: BenchConfig) -> BenchData:
    scenario = rotated()
    summary = f"scikit-learn digits, {scenario.summary}"
    return BenchData(DIGITS, summary, scenario.pretrain, _first(scenario.field, config.field_samples), scenario.test)


def _counts(config: BenchConfig) -> dict[str, int]:
    return {"train": config.mnist_pretrain + config.field_samples, "test": config.test_samples}


def _mnist(train: Samples, test: Samples, config: BenchConfig) -> BenchData:
    pretrain = _first(train, config.mnist_pretrain)
    field = Samples(train.x[config.mnist_pretrain :], train.y[config.mnist_pretrain :])
    summary = f"MNIST, turned by {ROTATION_DEGREES:.0f}° in the field"
    return BenchData(MNIST, summary, pretrain, _turned(field), _turned(test))


def _first(samples: Samples, count: int) -> Samples:
    return Samples(samples.x[:count], samples.y[:count])


def _turned(samples: Samples) -> Samples:
    return Samples(ndimage.rotate(samples.x, ROTATION_DEGREES, axes=(3, 2), reshape=False, order=1), samples.y)


def _resized(samples: Samples, side: int) -> Samples:
    """Bilinear, smoothed when shrinking: what is black stays exactly zero."""
    images = functional.interpolate(torch.from_numpy(samples.x), size=(side, side), mode="bilinear", antialias=True)
    return Samples(images.numpy(), samples.y)
