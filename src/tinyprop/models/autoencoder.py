"""The fully-connected autoencoder for machine sound: the MLPerf Tiny reference for anomaly detection.

Koizumi et al.: DCASE 2020 task 2 baseline; Banbury et al.: MLPerf Tiny (2021). 640 inputs: five frames of 128 log-mel.
"""

from itertools import pairwise

from torch import Tensor, nn

WIDTHS = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128)


class Autoencoder(nn.Module):
    """x (1, 640) → its reconstruction (1, 640), batch norm and ReLU behind every layer but the last."""

    def __init__(self) -> None:
        super().__init__()
        modules: list[nn.Module] = []
        for inputs, outputs in pairwise(WIDTHS):
            modules += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(*modules, nn.Linear(WIDTHS[-1], WIDTHS[0]))

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction."""
        return self.layers(x)
