"""The program under construction while the calls of an exported graph are lowered one after the other."""

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from tinyprop.errors import UserError
from tinyprop.frontend.aten_call import shape_of
from tinyprop.frontend.naming import unused
from tinyprop.ir.graph import Node, Program, Value, frozen_array
from tinyprop.ir.op import LayerOp, Op
from tinyprop.ir.ops.conv2d import Border

NO_BORDER: Border = ((0, 0), (0, 0))


class Unsupported(UserError):
    """What tinyprop cannot train yet. reasons: one or more clauses, each 'what, why not; what to do'."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass
class _Tail:
    """What the last call became, and that call: a batch norm may still be folded into it. node: its number."""

    node: int
    source: fx.Node


class Lowering:
    """Grows a graph of nodes. Rules ask for the tensors a call reads and its parameters, then `emit` a node of them
    or `alias` their input. train_batch_norm: whether batch norms stay layers of their own.
    """

    def __init__(self, exported: ExportedProgram, train_batch_norm: bool) -> None:
        self.train_batch_norm = train_batch_norm
        self._state = {**exported.state_dict, **exported.constants}
        specs = [s for s in exported.graph_signature.input_specs if s.target is not None]
        self._parameter_keys = {s.arg.name: str(s.target) for s in specs if s.kind is InputKind.PARAMETER}
        self._constant_keys = {s.arg.name: str(s.target) for s in specs}
        self._transposed: dict[fx.Node, fx.Node] = {}
        self._padded: dict[fx.Node, tuple[object, Border]] = {}
        self._nodes: list[Node] = []
        self._parameters: dict[str, np.ndarray] = {}
        self._problems: list[str] = []
        self._tail: _Tail | None = None
        user_inputs = set(exported.graph_signature.user_inputs)
        source = next(n for n in exported.graph.nodes if n.op == "placeholder" and n.name in user_inputs)
        self._input = self._output = Value(source.name, shape_of(source)[1:])
        self._values: dict[fx.Node, Value] = {source: self._input}
        self._written = {self._input.name: self._input}
        self._read: list[Value] = []  # by the call that is being lowered

    def begin(self) -> None:
        """A new call: nothing read yet."""
        self._read = []

    def tensor(self, node: object) -> Value:
        """A value that flows into the call, without batch; the node emitted next reads it."""
        value = self._values.get(node) if isinstance(node, fx.Node) else None
        if value is None:
            raise Unsupported("its input does not come from the sample; let every tensor in forward come from x")
        self._read.append(value)
        return value

    def is_parameter(self, node: object) -> bool:
        """Whether an argument is a parameter of the model itself, not a value computed from one."""
        return isinstance(node, fx.Node) and node.name in self._parameter_keys

    def is_buffer(self, node: object) -> bool:
        """Whether an argument is a buffer or constant of the model itself."""
        return isinstance(node, fx.Node) and node.name in self._constant_keys and not self.is_parameter(node)

    def parameter(self, node: object) -> str:
        """The state_dict key of a parameter, whose values now belong to the program."""
        if not isinstance(node, fx.Node) or node.name not in self._parameter_keys:
            raise Unsupported("its weight or bias is computed in forward; use a plain nn.Parameter of the layer")
        key = self._parameter_keys[node.name]
        return self._taken(key)

    def buffer(self, node: object) -> str:
        """The state_dict key of a parameter or buffer that will not train, whose values now belong to the program."""
        return self._taken(self._constant_key(node))

    def constant(self, node: object) -> np.ndarray:
        """The float64 values of a parameter or buffer that is only folded into others."""
        return self._checked(self._constant_key(node)).astype(np.float64)

    def note_transposed(self, view: fx.Node, parameter: fx.Node) -> None:
        """`view` is `parameter` transposed."""
        self._transposed[view] = parameter

    def transposed_source(self, view: object) -> fx.Node | None:
        """The parameter of which `view` is the transpose, or None."""
        return self._transposed.get(view) if isinstance(view, fx.Node) else None

    def note_padded(self, view: fx.Node, source: object, border: Border) -> None:
        """`view` is `source` with a border of zeros."""
        self._padded[view] = (source, border)

    def unpadded(self, node: object) -> tuple[object, Border]:
        """What a convolution reads under its padding, and how much of that was put there in front of it."""
        return self._padded.get(node, (node, NO_BORDER)) if isinstance(node, fx.Node) else (node, NO_BORDER)

    def emit(self, source: fx.Node, *ops: Op, parameters: tuple[str, ...] = ()) -> None:
        """Appends `ops` in a row: the first reads the call's tensors, the last one's result is that of `source`.

        A layer is called after the module that owns its weight; `parameters` go to the only operator that takes any.
        """
        taken = {node.name for node in source.graph.nodes}
        for number, op in enumerate(ops, 1):
            name = source.name if number == len(ops) else unused(f"{source.name}_step", taken | set(self._written))
            self._append(Value(name, op.shape_after(tuple(value.shape for value in self._read))), op, parameters)
        first = len(self._nodes) - len(ops)
        own = next((number for number, op in enumerate(ops) if isinstance(op, LayerOp)), len(ops) - 1)
        self._tail = _Tail(first + own, source)
        (self._values[source],) = self._read

    def _append(self, output: Value, op: Op, parameters: tuple[str, ...]) -> None:
        """One node, whose output the next one reads."""
        own = parameters if isinstance(op, LayerOp) else ()
        wish = own[0].rpartition(".")[0].replace(".", "_") if own else ""
        name = unused(wish or output.name, {node.name for node in self._nodes})
        self._nodes.append(Node(name, op, tuple(value.name for value in self._read), output.name, own))
        self._written[output.name] = output
        self._read = [output]

    def alias(self, source: fx.Node, value: Value) -> None:
        """The result of `source` is `value` itself."""
        self._values[source] = value
        if self._tail is not None:
            self._tail = _Tail(self._tail.node, source) if len(self._tail.source.users) == 1 else None

    def layer_before(self, source: object) -> Node | None:
        """What the last call became, when `source` is its result and nothing else reads it; a layer rather than the
        reshapes around it.
        """
        if self._tail is None or self._tail.source is not source or len(self._tail.source.users) != 1:
            return None
        return self._nodes[self._tail.node]

    def parameter_values(self, key: str) -> np.ndarray:
        """The present values of a parameter already in the program."""
        return self._parameters[key]

    def refine(self, source: fx.Node, op: Op, parameters: dict[str, np.ndarray]) -> None:
        """Replaces operator and parameters of `layer_before` by ones that do the work of `source` too."""
        assert self._tail is not None
        number = self._tail.node
        self._nodes[number] = replace(self._nodes[number], op=op, parameters=tuple(parameters))
        self._parameters |= {key: frozen_array(values) for key, values in parameters.items()}
        self.alias(source, self._read[0])
        self._tail = _Tail(number, source)

    def assume(self, source: fx.Node) -> None:
        """Goes on behind a call that could not be lowered as if it had been, to find what else is wrong."""
        self._values[source] = Value(source.name, shape_of(source)[1:])
        self._tail = None

    def finish(self, output: fx.Node) -> None:
        """Notes where the model ends."""
        self._output = self.tensor(output.all_input_nodes[0] if output.all_input_nodes else None)
        if not any(node.trained for node in self._nodes):
            raise Unsupported("the model has no layer; use at least one nn.Linear")

    def parameter_problems(self) -> list[str]:
        """What is wrong with the values of the parameters met so far."""
        return self._problems

    def program(self, name: str) -> Program:
        """The finished record; parameters in the order in which the nodes use them."""
        written = [self._input.name, *(node.output for node in self._nodes)]
        order = [key for node in self._nodes for key in node.parameters]
        return Program(
            name=name,
            input=self._input,
            output=self._output,
            nodes=tuple(self._nodes),
            values=MappingProxyType({name: self._written[name] for name in written}),
            parameters=MappingProxyType({key: self._parameters[key] for key in order}),
        )

    def _constant_key(self, node: object) -> str:
        if not isinstance(node, fx.Node) or node.name not in self._constant_keys:
            raise Unsupported("its statistics are computed in forward; use the plain nn.BatchNorm module")
        return self._constant_keys[node.name]

    def _taken(self, key: str) -> str:
        if key in self._parameters:
            raise Unsupported(f"it uses '{key}' a second time; give each layer a parameter of its own")
        self._parameters[key] = self._checked(key)
        return key

    def _checked(self, key: str) -> np.ndarray:
        """Values of a state_dict entry, float32; what is wrong with them is kept for the final list."""
        tensor = self._state[key].detach().cpu()
        if tensor.dtype != torch.float32:
            kind = str(tensor.dtype).removeprefix("torch.")
            self._problems.append(f"{key}: parameters of type {kind} are not supported; call model.float()")
        elif not bool(torch.isfinite(tensor).all()):
            self._problems.append(f"{key}: contains NaN or infinity; train or load finite weights first")
        return frozen_array(tensor.to(torch.float32).numpy())
