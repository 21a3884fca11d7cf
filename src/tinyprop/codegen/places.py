"""C expressions for everything a generated step touches: activations, errors, parameters, scratch, layer states."""

from dataclasses import dataclass

from tinyprop.codegen.call import Pass
from tinyprop.errors import InternalError
from tinyprop.ir.graph import Node
from tinyprop.ir.train_program import BackwardStep, TrainProgram
from tinyprop.plan.lifetimes import Storage
from tinyprop.plan.plan import Plan

INPUT = "x"  # the caller's sample
PARAMETERS, VELOCITY = "parameters", "velocity"  # blocks of the generated memory: what learns, in program order


@dataclass(frozen=True)
class Places:
    """Where the plan put what the storage needs, as arguments of calls."""

    train: TrainProgram
    storage: Storage
    plan: Plan

    def _arena(self, buffer: str) -> str:
        return f"m->arena + {self.plan.offset_of(buffer) // 4}"

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

    def mask(self, value: str, *, const: bool = True) -> Pass:
        """The bits of the activation `value`."""
        qualifier = "const " if const else ""
        return Pass(f"{qualifier}uint8_t *", "mask", f"({qualifier}uint8_t *)({self._arena(self.storage.mask[value])})")

    def scratch(self, node: Node, c_type: str) -> Pass:
        """Working memory of the backward kernel of `node`."""
        text = self._arena(self.storage.scratch[node.name])
        return Pass(f"{c_type} *", "scratch", text if c_type == "float" else f"({c_type} *)({text})")

    def parameters(self, node: Node) -> tuple[Pass | str, Pass | str]:
        """Weight and bias, for reading; NULL where there is no bias."""
        weight, *bias = (self._element(name, PARAMETERS) for name in node.parameters[:2])
        return Pass("const float *", "weight", weight), Pass("const float *", "bias", bias[0]) if bias else "NULL"

    def learning(self, step: BackwardStep) -> tuple[Pass | str, Pass | str]:
        """What the gradients of weight and bias are subtracted from; NULL for what does not learn."""
        block = VELOCITY if self.train.optimizer.momentum else PARAMETERS
        roles = dict(zip(step.node.parameters, ("weight", "bias"), strict=False))
        passed = {roles[name]: Pass("float *", roles[name], self._element(name, block)) for name in step.learns}
        return passed.get("weight", "NULL"), passed.get("bias", "NULL")

    @property
    def rate(self) -> Pass:
        """What a gradient is multiplied with before it is subtracted: -1 adds it to the velocity, exactly."""
        return Pass("float", "rate", "-1.0f" if self.train.optimizer.momentum else "rate")

    def all_learning(self, step: BackwardStep, block: str = PARAMETERS, *, const: bool = False) -> Pass:
        """What learns of a layer, weight and bias, or their velocities, in one piece."""
        names = self.train.trainable
        first = names.index(step.learns[0])
        if names[first : first + len(step.learns)] != step.learns:
            raise InternalError(f"the parameters of {step.node.name} are not neighbours in program order")
        name = "weight" if block == PARAMETERS else "velocity"
        return Pass("const float *" if const else "float *", name, self._element(step.learns[0], block))

    def fixed(self, parameter: str, name: str) -> Pass:
        """A parameter that never trains, called `name` in the kernel."""
        return Pass("const float *", name, self._element(parameter, PARAMETERS))

    def _element(self, name: str, block: str) -> str:
        """Where the parameter `name`, or its velocity, begins: in RAM if it learns, else in flash."""
        learns = name in self.train.trainable
        names = self.train.trainable if learns else self.train.frozen
        base = f"m->{block}" if learns else f"{self.train.program.name}_frozen"
        return f"{base} + {self.train.count(names[: names.index(name)])}"

    def residual(self, node: Node) -> Pass | None:
        """What the selection rule of `node` has left of errors, None where it remembers none."""
        counts = self.train.residuals
        if node.name not in counts:
            return None
        before = list(counts)[: list(counts).index(node.name)]
        return Pass("float *", "residual", f"m->residual + {sum(counts[name] for name in before)}")

    def state(self, layer: int) -> Pass:
        """What the selection rule of `layer` remembers."""
        return Pass("tp_layer_state *", "state", f"&m->layers[{layer}]")
