"""Fisher information of a network's channels on a few samples."""

from typing import Any

import numpy as np

from tinyprop.choosing.places import checked_samples
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.methods import Full
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network
from tinyprop.targets.progress import Report, progress_report


def fisher_information(
    network: Network, x: Any, y: Any, loss: str = "cross_entropy", progress: bool | Report = True
) -> dict[str, np.ndarray]:
    """Layer → (C,) float64: 1/(2N)·Σ over samples (Σ over positions a_o·∂loss/∂a_o)² of each output channel o.

    a: what the layer puts out before its activation and pooling; behind a ReLU the product is the same. x (N,
    *input_shape), y: labels (N,) or targets (N, outputs). Weights stay as they are. Raises UserError.

    Since a_o is linear in the channel's parameters w_o, bias included, the inner sum is ⟨w_o, ∂loss/∂w_o⟩, and the
    gradients of the oracle are all that is needed. Source: Theis et al. 2018, arXiv 1801.05787.
    """
    samples, truths = checked_samples(x, y)
    # A rate of 0 leaves the weights alone; from rest, the velocity of momentum is the gradient, unrounded.
    oracle = OracleTrainer(network.train(Full(), loss, SGD(momentum=0.5)).train_program)
    weights = {name: oracle.parameters[name].astype(np.float64) for name in oracle.velocity}
    layers = {node.name: node.trained for node in oracle.train.program.layers if node.trained}
    sums = {name: np.zeros(len(weights[trained[0]])) for name, trained in layers.items()}
    with progress_report(progress, "Fisher information", len(samples)) as report:
        for done, (sample, truth) in enumerate(zip(samples, truths, strict=True), start=1):
            oracle.velocity = {name: np.zeros_like(value) for name, value in oracle.velocity.items()}
            oracle.step(sample, truth, lr=0.0)
            for name, trained in layers.items():
                products = [(weights[key] * oracle.velocity[key]).reshape(len(sums[name]), -1) for key in trained]
                sums[name] += sum(product.sum(axis=1) for product in products) ** 2
            report(done, len(samples))
    return {name: total / (2 * len(samples)) for name, total in sums.items()}
