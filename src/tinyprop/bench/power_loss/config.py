"""Everything the proof decides: which memories, which cuts, which networks."""

from dataclasses import dataclass
from itertools import product

from tinyprop.bench.power_loss.records import Geometry
from tinyprop.ir.chain import chain
from tinyprop.ir.graph import Program
from tinyprop.ir.ops import Dense, ReLU

GEOMETRIES = (
    Geometry("NOR 4 KB / 4 B", 4096, 4),
    Geometry("NOR 2 KB / 8 B", 2048, 8),
    Geometry("NOR 128 B / 4 B", 128, 4),
    Geometry("QSPI 4 KB / 256 B", 4096, 256),
    Geometry("NOR 8 KB / 16 B", 8192, 16, slots=3),
    Geometry("EEPROM 32 B", 32, 32, erases=False),
    Geometry("FRAM 4 B", 4, 4, erases=False),
)
SMALLEST = Geometry("NOR 128 B / 4 B", 128, 4)  # exhaustive to depth two, and every single bit
# Weak bits pass for what they should be the more easily the fewer of them there are in the unit that is written last.
WEAKEST = Geometry("EEPROM 1 B", 1, 1, erases=False, slots=3)


@dataclass(frozen=True)
class Cut:
    """One kind of cut. number: of `flash_cut` in emulated_flash.h; draws: how often, where chance has a part in it."""

    name: str
    number: int
    draws: int = 1


BEFORE, AFTER, TORN, WEAK, REFUSED, REORDERED = (
    Cut("before an operation", 0),
    Cut("after an operation", 1),
    Cut("torn", 2, 3),
    Cut("weak bits", 3, 3),
    Cut("unreadable", 4),
    Cut("reordered", 5, 3),
)
CUTS = (BEFORE, AFTER, TORN, WEAK, REFUSED, REORDERED)
PAIRS = tuple(product((BEFORE, AFTER, TORN, REFUSED, REORDERED), repeat=2))
# A checkpoint may seem whole for as long as its weak bits like, and the second cut hit the only other one there is.
WEAK_PAIRS = ((WEAK, TORN), (WEAK, WEAK))
BIT_FLIP = "bit flip"

# The larger one's state, 19 KB with momentum, goes over several blocks of every geometry; of the smaller one's every
# pair of cuts can be tried.
LEARNING = chain("learning", (64,), (Dense(64, 32), ReLU(), Dense(32, 10)))
SMALL = chain("small", (3,), (Dense(3, 4), ReLU(), Dense(4, 3)))


@dataclass(frozen=True)
class PowerLossConfig:
    """What is cut. flip_every: one bit in that many is turned on the larger network; on the small one every bit.
    measures_rewritten: also say how much of a slot changes from save to save, which takes 64 inputs and ten classes."""

    geometries: tuple[Geometry, ...] = GEOMETRIES
    learning: Program = LEARNING
    small: Program = SMALL
    flip_every: int = 61
    measures_rewritten: bool = True
