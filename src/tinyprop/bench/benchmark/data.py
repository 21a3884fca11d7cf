"""What the benchmark's networks learn from: MNIST where the user has it, else scikit-learn's digits scaled up."""

from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from tinyprop.bench.benchmark.config import BenchConfig, BenchNetwork
from tinyprop.bench.digits import ROTATION_DEGREES, Scenario, rotated
from tinyprop.data import First, Found, Mnist, Samples, find

DIGITS, MNIST = "digits", "mnist"


def bench_data(network: BenchNetwork, config: BenchConfig) -> Scenario:
    """The samples for one network, (N, 1, side, side), called "digits" or "mnist".

    Raises UserError when MNIST is there but damaged.
    """
    found = find_mnist() if network.mnist else None
    return digits_data(network, config) if found is None else mnist_data(found, network, config)


def find_mnist() -> Found | None:
    """MNIST, where the user has it: the official files and the compact ones hold the same pixels."""
    return find(Mnist())


def digits_data(network: BenchNetwork, config: BenchConfig) -> Scenario:
    """scikit-learn's digits, upright before and turned in the field."""
    whole = rotated()
    field = Samples(whole.field.x[: config.field_samples], whole.field.y[: config.field_samples])
    return _resized(
        replace(whole, name=DIGITS, summary=f"scikit-learn digits, {whole.summary}", field=field), network.side
    )


def mnist_data(found: Found, network: BenchNetwork, config: BenchConfig) -> Scenario:
    """The same with MNIST. Raises UserError when the file is damaged."""
    cuts = np.cumsum((config.mnist_pretrain, config.field_samples, config.mnist_validation)).tolist()
    parts = found.parts(First(cuts[-1], config.test_samples))
    pretrain, *turned = (parts.train.of(np.arange(start, end)) for start, end in zip((0, *cuts), cuts, strict=False))
    summary = f"MNIST, turned by {ROTATION_DEGREES:.0f}° in the field"
    return _resized(Scenario(MNIST, summary, pretrain, *map(_turned, (*turned, parts.test))), network.side)


def _turned(samples: Samples) -> Samples:
    return Samples(ndimage.rotate(samples.x, ROTATION_DEGREES, axes=(3, 2), reshape=False, order=1), samples.y)


def _resized(data: Scenario, side: int) -> Scenario:
    """Bilinear, smoothed when shrinking: what is black stays exactly zero."""
    native = data.field.x.shape[-1]
    if native == side:
        return data
    parts = (data.pretrain, data.field, data.validation, data.test)
    summary = f"{data.summary}, resized from {native}×{native} to {side}×{side}"
    return Scenario(data.name, summary, *(_scaled(part, side) for part in parts))


def _scaled(samples: Samples, side: int) -> Samples:
    images = functional.interpolate(torch.from_numpy(samples.x), size=(side, side), mode="bilinear", antialias=True)
    return Samples(images.numpy(), samples.y)
