"""What trains: a method sees the layers of which something does, every other layer is frozen."""

from collections.abc import Iterable
from dataclasses import replace

from tinyprop.errors import UserError
from tinyprop.ir.choices import CHOICES
from tinyprop.ir.differentiate import layer_infos
from tinyprop.ir.graph import Program
from tinyprop.methods import Method, TrainSpec


def spec_of(program: Program, method: Method, trainable: str | Iterable[str] | None = None) -> TrainSpec:
    """The TrainSpec of `method` for what is trainable of a fused `program`; the rest is frozen.

    trainable: names of parameters, of layers, or of modules that hold layers, as in the state_dict ('head.bias',
    'head', 'features.3'), or words of `CHOICES`, where nothing bears that name; None: all.
    A method that counts layers from the output counts those that train. Raises UserError for what it does not find.
    """
    learning = learning_parameters(program, "all" if trainable is None else trainable)
    wanted = {node.name for node in program.layers if learning.intersection(node.parameters)}
    infos = layer_infos(program)
    spec = method.spec(tuple(info for info in infos if info.name in wanted))
    remaining = iter(spec.selections)
    selections = {info.name: next(remaining) if info.name in wanted else None for info in infos}
    left_out = {
        node.name: [name for name in node.trained if name in spec.frozen or name not in learning]
        for node in program.layers
        if selections[node.name] is not None
    }
    for node in program.layers:  # of which the method and the user leave nothing between them
        if len(left_out.get(node.name, ())) == len(node.trained):
            selections[node.name] = None
    frozen = tuple(name for layer, names in left_out.items() if selections[layer] is not None for name in names)
    return replace(spec, selections=tuple(selections.values()), frozen=frozen)


def learning_parameters(program: Program, trainable: str | Iterable[str]) -> frozenset[str]:
    """Names of the parameters that `trainable`, as in `spec_of`, stands for. Raises UserError."""
    names = _names(trainable)
    found = {name: _parameters_named(program, name) for name in names}
    unknown = [f"'{name}'" for name in names if found[name] is None]
    if unknown or not names:
        given = f"no layer is called {', '.join(unknown)}" if unknown else "no layer is to train"
        layers = ", ".join(_key(node.trained[0]) or node.name for node in program.layers if node.trained)
        raise UserError(f"{given}: choose from {layers}, a parameter such as {_example(program)}, or {_words()}.")
    learning = frozenset(parameter for parameters in found.values() for parameter in parameters or ())
    if not learning:
        folded = " that train, folded as they are unless it is captured with batch_norm='train' (--batch-norm train)"
        missing = [name + folded * (name == "batch_norms") for name in names]
        raise UserError(f"nothing of '{program.name}' is to train: it has no {' and no '.join(missing)}.")
    return learning


def _names(trainable: object) -> tuple[str, ...]:
    names = (trainable,) if isinstance(trainable, str) else tuple(trainable) if isinstance(trainable, Iterable) else ()
    if not isinstance(trainable, Iterable) or not all(isinstance(name, str) for name in names):
        raise UserError(f"trainable is {trainable!r}: pass names such as ['head', 'features.0.bias'], or {_words()}.")
    return names


def _parameters_named(program: Program, name: str) -> tuple[str, ...] | None:
    """Parameters of this key, or below it, dot by dot; those of a choice; None where neither is known."""
    parameters = {
        parameter: parameter in node.trained
        for node in program.layers
        for parameter in node.parameters
        if name in (parameter, _key(parameter), node.name) or parameter.startswith(f"{name}.")
    }
    if any(parameters.values()):
        return tuple(parameter for parameter, trains in parameters.items() if trains)
    if parameters:
        raise UserError(
            f"'{name}' belongs to a batch norm and never trains: its weight and bias do in a network captured with "
            f'batch_norm="train".'
        )
    return CHOICES[name].parameters(program) if name in CHOICES else None


def _key(parameter: str) -> str:
    return parameter.rpartition(".")[0]


def _example(program: Program) -> str:
    return next(node.trained[-1] for node in reversed(program.layers) if node.trained)


def _words() -> str:
    return f"one of {', '.join(CHOICES)}"
