"""Parameters that several commands share, and where commands print."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

console = Console()


def as_typed(settings: dict[str, float] | None) -> dict[str, int | float]:
    """What was asked of a method with --set: of numbers without a fraction, counts."""
    return {name: int(value) if value.is_integer() else value for name, value in (settings or {}).items()}


JsonPath = Annotated[Path | None, Parameter(help="also write the rows as JSON")]
LossName = Annotated[str, Parameter(help="cross_entropy or mse")]
Processes = Annotated[int, Parameter(help="how many runs at a time")]
Scheduler = Annotated[
    str | None, Parameter(help="address of a Dask scheduler whose workers run, in place of this machine")
]
MethodName = Annotated[str, Parameter(help="a name from `tinyprop methods`")]
MethodSettings = Annotated[
    dict[str, float] | None, Parameter(name="--set", help="of the method, as in --set.drop 0.8; else its defaults")
]
Momentum = Annotated[float, Parameter(help="of SGD; 4 bytes of RAM per parameter that learns; 0: none")]
WeightDecay = Annotated[float, Parameter(help="of SGD; 0: none")]
BatchNorm = Annotated[str, Parameter(help="fold (into the layer in front of it) or train")]
