"""C expressions for everything a generated step touches: activations, errors, parameters, scratch, layer states."""

from dataclasses import dataclass

from tinyprop.codegen.call import Pass
from tinyprop.ir.graph import Node
from tinyprop.ir.train_program import TrainProgram
from tinyprop.plan.lifetimes import Storage
from tinyprop.plan.plan import Plan

INPUT = "x"  # the caller's sample


@dataclass(frozen=True)
class Places:
    """Where the plan put what the storage needs, as arguments of calls."""

    train: TrainProgram
    storage: Storage
    plan: Plan

    def _arena(self, buffer: str) -> str:
        offset = next(p.offset for p in self.plan.placed if p.buffer.name == buffer)
        return f"m->arena + {offset // 4}"

    def read(self, value: str, name: str = "x") -> Pass:
        """The activation `value`, for reading."""
        buffer = self.storage.activation.get(value)
        return Pass("const float *", name, INPUT if buffer is None else self._arena(buffer))

    def write(self, value: str) -> Pass:
        """The activation `value`, for writing."""
        return Pass("float *", "y", self._arena(self.storage.activation[value]))

    def overwrite(self, slot: str) -> Pass:
        """The place of error `slot`, which holds the activation until its error overwrites it."""
        return Pass("float *", "x", self._arena(self.storage.error[slot]))

    def delta(self, node: Node, *, const: bool = False) -> Pass:
        """The error at the output of `node`."""
        buffer = self.storage.error[node.output]
        return Pass("const float *" if const else "float *", "delta", self._arena(buffer))

    def error(self, slot: str, name: str = "error") -> Pass:
        """The error `slot`, for writing."""
        return Pass("float *", name, self._arena(self.storage.error[slot]))

    def argmax(self, node: Node, *, const: bool = False) -> Pass | str:
        """Which input won each pool, or NULL where nobody will ask."""
        buffer = self.storage.argmax.get(node.name)
        if buffer is None:
            return "NULL"
        qualifier = "const " if const else ""
        return Pass(f"{qualifier}uint8_t *", "argmax", f"({qualifier}uint8_t *)({self._arena(buffer)})")

    def scratch(self, node: Node, c_type: str) -> Pass:
        """Working memory of the backward kernel of `node`."""
        text = self._arena(self.storage.scratch[node.name])
        return Pass(f"{c_type} *", "scratch", text if c_type == "float" else f"({c_type} *)({text})")

    def parameters(self, node: Node, *, const: bool = False) -> tuple[Pass | str, Pass | str]:
        """Weight and bias (NULL where there is none)."""
        c_type = "const float *" if const else "float *"
        offsets, start = {}, 0
        for name, array in self.train.program.parameters.items():
            offsets[name] = start
            start += array.size
        weight, *bias = (f"m->parameters + {offsets[name]}" for name in node.parameters)
        return Pass(c_type, "weight", weight), Pass(c_type, "bias", bias[0]) if bias else "NULL"

    def state(self, layer: int) -> Pass:
        """What the selection rule of `layer` remembers."""
        return Pass("tp_layer_state *", "state", f"&m->layers[{layer}]")
