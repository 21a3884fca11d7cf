"""One call of an aten operator, its arguments by name with defaults filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import fx

from tinyprop.ir.op import Shape


@dataclass(frozen=True)
class AtenCall:
    """operator: overload packet, such as 'conv2d'; arguments: as the operator's schema names them."""

    node: fx.Node
    operator: str
    arguments: Mapping[str, Any]

    @staticmethod
    def of(node: fx.Node) -> "AtenCall":
        """The call that `node` of an exported graph makes."""
        schema = getattr(node.target, "_schema", None)
        if schema is None:  # a Python function such as getitem
            return AtenCall(node, getattr(node.target, "__name__", str(node.target)), {})
        arguments = {a.name: a.default_value for a in schema.arguments if a.has_default_value()}
        arguments |= {a.name: value for a, value in zip(schema.arguments, node.args, strict=False)}
        return AtenCall(node, schema.name.split("::")[-1], arguments | dict(node.kwargs))

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def pair(self, name: str) -> tuple[int, int]:
        """A (vertical, horizontal) argument, which torch may also write as one number."""
        value = self.arguments[name]
        values = tuple(value) if isinstance(value, list | tuple) else (value,)
        return (values[0], values[-1])

    def window(self, name: str, fill: int = 1) -> tuple[int, int]:
        """As `pair`, but what has one size only, a signal's, is (fill, size)."""
        value = self.arguments[name]
        one = isinstance(value, list | tuple) and len(value) == 1
        return (fill, value[0]) if one and self.operator.endswith("1d") else self.pair(name)

    @property
    def shape(self) -> Shape:
        """Shape of the result, with batch."""
        return shape_of(self.node)


def shape_of(node: fx.Node) -> Shape:
    """Shape of a tensor in an exported graph, with batch; () for what is not a tensor."""
    return tuple(getattr(node.meta.get("val"), "shape", ()))


def module_path(node: fx.Node) -> str:
    """Where in the model a call was made, such as 'features.0 (Conv2d)'."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    if not stack:
        return "the model"
    path, kind = stack[-1]
    kind = kind if isinstance(kind, str) else kind.__name__
    return f"{path or 'forward'} ({kind.rpartition('.')[2]})"
