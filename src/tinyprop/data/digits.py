"""The handwritten digits that scikit-learn brings along: real data without a download.

1,797 digits of 8×8 from UCI "Optical Recognition of Handwritten Digits" (its test part). No split is official; this
one is drawn once.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tinyprop.data.extra import required
from tinyprop.data.loader import BUNDLED, Edition, First, Loader, Parts
from tinyprop.data.samples import Samples

SPLIT_SEED = 7
SHARES = (0.7, 0.8)  # where train ends, where validation ends; the rest is test


@dataclass(frozen=True)
class Digits(Loader):
    """x (N, 1, 8, 8) in 0 … 1."""

    name: ClassVar[str] = "digits"
    title: ClassVar[str] = "Digits 8×8"
    summary: ClassVar[str] = "handwritten digits, bundled with scikit-learn; a stand-in for larger sets, no benchmark"

    def editions(self) -> tuple[Edition, ...]:
        """What scikit-learn brings along."""
        summary = "1,797 handwritten digits of 8×8, bundled with scikit-learn, in a split of our own"
        about = (BUNDLED, self.name, self.title, summary, "", (), "the digits of scikit-learn")
        return (Edition(*about, read_digits),)


def read_digits(_paths: tuple[Path, ...], first: First) -> Parts:
    """The three parts, in an order drawn once."""
    datasets: Any = required("sklearn.datasets", "scikit-learn", "the data set 'digits'", extra="demo")
    digits = datasets.load_digits()
    x = (digits.images / 16.0).astype(np.float32)[:, None]
    order = np.random.default_rng(SPLIT_SEED).permutation(len(x))
    cuts = [int(share * len(x)) for share in SHARES]
    train, validation, test = (Samples(x[part], digits.target[part].astype(np.int64)) for part in np.split(order, cuts))
    return Parts(train.first(first.train), test.first(first.test), tuple(map(str, range(10))), validation)
