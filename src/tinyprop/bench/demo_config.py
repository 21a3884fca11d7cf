"""Everything the demo decides, in one record."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

# Learning rates were chosen for full training on the validation parts, by `python -m tinyprop.bench.choose`
# (results/chosen.json); every method runs with the same.
RATES: dict[str, float] = {"mlp": 0.05, "cnn": 0.02}


@dataclass(frozen=True)
class DemoConfig:
    """seeds: of pretraining and of the order of samples; the first one is repeated on the board, live.

    pretrain_epochs: PyTorch, batches; field_epochs: one sample at a time. samples: of the field part, None for all.
    tolerance: largest difference of any weight between the engine's full training and PyTorch's.
    """

    board: str = "nano33ble"
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7)
    pretrain_epochs: int = 25
    field_epochs: int = 4
    samples: int | None = None
    rates: Mapping[str, float] = field(default_factory=lambda: dict(RATES))
    tolerance: float = 1e-5
    processes: int = 2

    def text(self) -> str:
        """As JSON, for the report."""
        return msgspec.json.format(msgspec.json.encode(self)).decode()


QUICK = DemoConfig(seeds=(0,), pretrain_epochs=5, field_epochs=1, samples=40)
