"""Which layers train: a method sees only those, every other layer is frozen."""

from collections.abc import Iterable
from dataclasses import replace

from tinyprop.errors import UserError
from tinyprop.ir.differentiate import layer_infos
from tinyprop.ir.graph import Program
from tinyprop.methods import Method, TrainSpec


def spec_of(program: Program, method: Method, trainable: str | Iterable[str] | None = None) -> TrainSpec:
    """The TrainSpec of `method` for the trainable layers of a fused `program`; the others are frozen.

    trainable: names of layers or of modules that hold them, as in the state_dict ('head', 'features.3'); None: all.
    A method that counts layers from the output counts those that train. Raises UserError for a name without a layer.
    """
    infos = layer_infos(program)
    if isinstance(trainable, str):
        trainable = (trainable,)
    wanted = {info.name for info in infos} if trainable is None else _matching(program, tuple(trainable))
    spec = method.spec(tuple(info for info in infos if info.name in wanted))
    remaining = iter(spec.selections)
    return replace(spec, selections=tuple(next(remaining) if info.name in wanted else None for info in infos))


def _matching(program: Program, prefixes: tuple[str, ...]) -> set[str]:
    """Names of the layers whose weight's key begins with one of `prefixes`, dot by dot."""
    keys = {node.name: node.parameters[0].rpartition(".")[0] for node in program.layers}
    found: set[str] = set()
    unknown = []
    for prefix in prefixes:
        matches = {name for name, key in keys.items() if prefix in (name, key) or key.startswith(f"{prefix}.")}
        found |= matches
        if not matches:
            unknown.append(f"'{prefix}'")
    if unknown or not found:
        given = f"no layer is called {', '.join(unknown)}" if unknown else "no layer is to train"
        raise UserError(f"{given}: choose from {', '.join(key or name for name, key in keys.items())}.")
    return found
