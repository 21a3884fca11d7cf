"""Everything the long run decides: which network and methods, how many steps, on what."""

from dataclasses import dataclass

from tinyprop.ir.chain import chain
from tinyprop.ir.graph import Program
from tinyprop.ir.ops import Dense, ReLU

HOST = "host"
NETWORK = chain("soaked", (40,), (Dense(40, 16), ReLU(), Dense(16, 5)))


@dataclass(frozen=True)
class SoakConfig:
    """methods: each remembers something else between steps. steps: target → how many; parts: how often both devices are
    compared, 10 or more. seed: of what happens in the field."""

    network: Program = NETWORK
    methods: tuple[str, ...] = ("tinyprop_v2", "ours_at_effort", "random_k")
    momentum: float = 0.5
    steps: tuple[tuple[str, int], ...] = ((HOST, 1_000_000), ("nano33ble", 100_000))
    parts: int = 100
    seed: int = 2026
