"""What each layer's weights and the biases of the last layers contribute: accuracy gained by training them alone."""

from dataclasses import dataclass

import numpy as np

from tinyprop.choosing.places import Places
from tinyprop.errors import UserError
from tinyprop.methods import SparseUpdate
from tinyprop.methods.chosen_layers import number_of
from tinyprop.surface import Network
from tinyprop.targets.progress import Report, progress_report


@dataclass(frozen=True)
class Trial:
    """One short training per configuration, each from the network's own weights, on the host engine.

    x, y: what it learns from; x_val, y_val: by which it is judged; epochs, lr, seed: of each training.
    """

    x: np.ndarray
    y: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    epochs: int
    lr: float
    seed: int
    toolchain: str

    def accuracy(self, network: Network, method: SparseUpdate) -> float:
        """In percent, of the validation samples, behind the training."""
        with network.train(method, kernels="size").build("host", self.toolchain) as engine:
            engine.fit(self.x, self.y, epochs=self.epochs, lr=self.lr, seed=self.seed, progress=False)
            return engine.accuracy(self.x_val, self.y_val)


@dataclass(frozen=True)
class Contributions:
    """In points of accuracy. weights: p → what that layer's weights add to training every bias; biases: k → what the
    biases of the last k layers below the output layer add to training that one alone. output_layer: accuracy of that.
    """

    weights: dict[int, float]
    biases: dict[int, float]
    output_layer: float


def measured_contributions(
    network: Network, places: Places, trial: Trial, progress: bool | Report = True
) -> Contributions:
    """One training for the output layer alone, one for each number of biases, one for each layer's weights."""
    with_bias = [p for p, infos in places.items() if any(info.bias is not None for info in infos)]
    runs = [(0, 0), *((0, k) for k in with_bias), *((number_of([p]), max(places)) for p in places)]
    reached = []
    with progress_report(progress, "measuring contributions", len(runs)) as report:
        for done, (weights, biases) in enumerate(runs, start=1):
            reached.append(trial.accuracy(network, SparseUpdate(weights, biases)))
            report(done, len(runs))
    alone, after_biases, after_weights = reached[0], reached[1 : 1 + len(with_bias)], reached[1 + len(with_bias) :]
    every_bias = after_biases[-1] if after_biases else alone
    return Contributions(
        weights={p: accuracy - every_bias for p, accuracy in zip(places, after_weights, strict=True)},
        biases={k: accuracy - alone for k, accuracy in zip(with_bias, after_biases, strict=True)},
        output_layer=alone,
    )


def parted(
    x: np.ndarray, y: np.ndarray, held_out: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(x, y, x_val, y_val): `held_out` of the samples, drawn by `seed`, to judge by. Raises UserError where a part
    would be empty."""
    order = np.random.default_rng(seed).permutation(len(x))
    judged = round(held_out * len(x)) if 0 < held_out < 1 else 0
    if not 0 < judged < len(x):
        raise UserError(
            f"held_out={held_out!r} of {len(x)} samples leaves none to judge by, or none to learn from: pass a share "
            f"between 0 and 1, and more samples."
        )
    val, own = order[:judged], order[judged:]
    return x[own], y[own], x[val], y[val]
