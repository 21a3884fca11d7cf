"""capture: nn.Module → Program."""

import warnings
from typing import Any

import torch
from torch import fx, nn
from torch.export import ExportedProgram

from tinyprop.errors import UserError, unknown_name
from tinyprop.frontend.aten_call import AtenCall, module_path
from tinyprop.frontend.exported import checked_example, export_for_inference
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.frontend.naming import program_name
from tinyprop.frontend.rules import RULES, advice_for
from tinyprop.ir.graph import Program
from tinyprop.ir.verify import verify

FOLD, TRAIN = "fold", "train"  # what becomes of batch norm


def capture(model: nn.Module, example_input: Any, name: str | None = None, batch_norm: str = FOLD) -> Program:
    """The network of `model` for one sample at a time, its current weights included; `model` stays as it is.

    example_input: a tensor or array of one sample in a batch of one, shape (1, …); only its shape matters.
    name: C identifier of the network; by default the class of `model` in snake_case.
    batch_norm: "fold" puts a batch norm into the weight and bias of the layer in front of it (a layer without bias gets
    one) and keeps it as a layer that never trains where there is none; "train" makes each of them a layer whose weight
    and bias train, its statistics fixed.
    Parameters are named by their keys in `model.state_dict()`. Dropout does nothing, as in eval mode. What trains
    is said by `Network.train(trainable=…)`: `requires_grad` is not read, and a UserWarning names parameters that have
    it off where others have it on.

    Raises UserError for a wrong example or choice and, in one list with module path and remedy, for everything in the
    model that tinyprop cannot train yet.
    """
    if not isinstance(model, nn.Module):
        called = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise UserError(f"model is {called}, not an nn.Module: pass an instance, such as MyNetwork().")
    network = program_name(type(model).__name__ if name is None else name, given=name is not None)
    exported = export_for_inference(model, checked_example(example_input))
    _warn_of_frozen(model)
    return lowered(exported, network, batch_norm, title=type(model).__name__, problems=_shared_parameters(model))


def lowered(exported: ExportedProgram, network: str, batch_norm: str, *, title: str, problems: list[str]) -> Program:
    """The Program `network` of an exported model. title: what errors call it; problems: those already known."""
    if batch_norm not in (FOLD, TRAIN):
        raise unknown_name("batch_norm", str(batch_norm), (FOLD, TRAIN))
    lowering = Lowering(exported, train_batch_norm=batch_norm == TRAIN)
    found = [*problems, *_lower(exported.graph, lowering), *lowering.parameter_problems()]
    if found:
        listed = "\n".join(f"  - {problem}" for problem in dict.fromkeys(found))
        raise UserError(f"{title} cannot be captured:\n{listed}")
    program = lowering.program(network)
    verify(program)
    return program


def _lower(graph: fx.Graph, lowering: Lowering) -> list[str]:
    """Runs the rule of every call in execution order; returns what is not supported."""
    problems: list[str] = []
    for node in graph.nodes:
        lowering.begin()
        try:
            if node.op == "call_function":
                _lower_call(node, lowering)
            elif node.op == "output":
                lowering.finish(node)
        except Unsupported as found:
            problems.extend(f"{module_path(node)}: {reason}" for reason in found.reasons)
            lowering.assume(node)
        except UserError as found:
            problems.append(f"{module_path(node)}: {found}")
            lowering.assume(node)
    return problems


def _lower_call(node: fx.Node, lowering: Lowering) -> None:
    call = AtenCall.of(node)
    if call.operator == "getitem":  # one of several results: nothing that is supported has more than one
        lowering.assume(node)
        return
    rule = RULES.get(call.operator)
    if rule is None:
        raise Unsupported(f"{call.operator} is not supported; {advice_for(call.operator)}")
    rule(call, lowering)


def _warn_of_frozen(model: nn.Module) -> None:
    """Says which parameters PyTorch would leave alone and the device trains; nothing where it would train none."""
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    if 0 < len(frozen) < len(list(model.parameters())):
        warnings.warn(
            f"{', '.join(frozen)}: requires_grad is off, which capture does not read, so that they will train; name "
            f"what trains, as in network.train(method, trainable='last_layer') or with a list of names.",
            UserWarning,
            stacklevel=4,
        )


def _shared_parameters(model: nn.Module) -> list[str]:
    """One sentence per tensor that the model holds under several names."""
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter.numel() and not isinstance(parameter, torch.nn.parameter.UninitializedParameter):
            names.setdefault(parameter.untyped_storage().data_ptr(), []).append(name)
    return [
        f"{' and '.join(group)}: one tensor is shared; give each layer a parameter of its own"
        for group in names.values()
        if len(group) > 1
    ]
