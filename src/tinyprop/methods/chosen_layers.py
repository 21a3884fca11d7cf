"""A set of layers as one whole number: a setting like any other, in TOML, on the command line, in a saved state.

Layers are counted from the output, p = 1 for the one below the output layer (`depths`): the number is Σ 2^(p−1).
"""

from collections.abc import Iterable

from tinyprop.errors import UserError

MOST_CHOSEN = 53  # layers that can be told apart: whole numbers of a float64, which is what a command line gives


def number_of(places: Iterable[int]) -> int:
    """The number that stands for the layers at these `places` p, each 1 … MOST_CHOSEN."""
    return sum(2 ** (p - 1) for p in set(places))


def places_in(number: int) -> frozenset[int]:
    """The places p that `number` stands for."""
    return frozenset(p for p in range(1, MOST_CHOSEN + 1) if number >> (p - 1) & 1)


def require_choice(rule: str, name: str, value: int) -> None:
    """Raises UserError unless `value` stands for a set of layers."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**MOST_CHOSEN:
        raise UserError(
            f"{rule} was given {name}={value!r}, which is no set of layers: add up 1 for the layer below the output "
            f"layer, 2 for the next, 4 for the next, and so on, for at most {MOST_CHOSEN} layers."
        )
