"""When a network is looked at: between steps, on the same few samples each time, to see which outputs still change."""

from dataclasses import dataclass

from tinyprop.errors import UserError
from tinyprop.methods.rules.number_check import require_count

MOST = 2**22  # of both: counted in a float32, exactly


@dataclass(frozen=True)
class Looks:
    """The first `samples` of a training are kept, and every `period` steps the network is run on them.

    A count says where a training stands: below `samples`, how many are kept; there, the first look is due; then 1 more
    than `samples` and the steps since the last look. Raises UserError unless both are whole, 1 to 2²².
    """

    samples: int
    period: int

    def __post_init__(self) -> None:
        for name in ("samples", "period"):
            value = getattr(self, name)
            require_count("Looks", name, value)
            if not 1 <= value <= MOST:
                raise UserError(f"{name} is {value!r}: choose a whole number from 1 to {MOST}.")

    @property
    def first(self) -> int:
        """The count at which there is something to look at for the first time."""
        return self.samples

    @property
    def looked(self) -> int:
        """The count right behind a look."""
        return self.samples + 1

    @property
    def again(self) -> int:
        """The count at which the next look is due."""
        return self.looked + self.period

    def words(self, inputs: int) -> int:
        """Floats that it takes to remember all that, with samples of so many inputs: the count, then the samples."""
        return 1 + self.samples * inputs
