"""The oracle: a TrainProgram run in NumPy, slow and obviously right, bit for bit what the C engine computes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.executed_macs import backward_macs, forward_macs
from tinyprop.ir.graph import Node, Program, Value, frozen_array
from tinyprop.ir.losses import Truth
from tinyprop.ir.op import Array, Forward, JoinOp, LayerOp, PassOp
from tinyprop.ir.prefix import require_frozen_prefix
from tinyprop.ir.train_program import AddErrorStep, BackwardStep, PassErrorStep, TrainProgram
from tinyprop.methods.optimizer import descended
from tinyprop.methods.rules.magnitude import abs_sum
from tinyprop.methods.rules.rule import LayerState
from tinyprop.methods.step_decay import StepDecay
from tinyprop.trace import StepTrace

Parameters = dict[str, Array]


@dataclass(frozen=True)
class OracleStep:
    """What one training step did; loss and predicted (the largest output) are from before the step.

    kept: entries of δ back-propagated per layer, forward order, 0 for frozen layers and where the pass did not come;
    looks: entries examined by selection rules; macs_forward, macs_backward: multiply-adds the engine executes.
    """

    loss: np.float32
    predicted: int
    skipped: bool
    kept: tuple[int, ...]
    looks: int
    macs_forward: int
    macs_backward: int


@dataclass(frozen=True)
class _Backward:
    """What a backward pass has counted so far. loss: of its sample."""

    loss: np.float32
    kept: tuple[int, ...]
    looks: int = 0
    macs: int = 0


class OracleTrainer:
    """Trains `train.program` one sample at a time, in float32, with `train.optimizer`.

    parameters: name → array, in program order and PyTorch's layout; replaced, never written to, by each step.
    velocity: the same of the trainable ones, where the optimizer has momentum.
    """

    def __init__(self, train: TrainProgram) -> None:
        self.train = train
        self.parameters: Parameters = dict(train.program.parameters)
        moving = train.trainable if train.optimizer.momentum else ()
        self.velocity: Parameters = {name: np.zeros_like(self.parameters[name]) for name in moving}
        self._layer_states = [LayerState() for _ in train.program.layers]
        self._output_state = LayerState()
        self._count, self._samples = 0, list[Array]()  # steps, as `Looks` counts, and what it looks with

    def infer(self, x: Array) -> Array:
        """The outputs (before any softmax) for one sample of the program's input shape."""
        return run_forward(self.train.program, x, self.parameters)[self.train.program.output.name].y

    def latent(self, x: Array) -> Array:
        """What the frozen prefix makes of one sample, flat, as the engine hands it on. Raises UserError."""
        value = require_frozen_prefix(self.train).latent
        return run_forward(self.train.program, x, self.parameters)[value.name].y.reshape(-1)

    def step(self, x: Array, truth: Truth, lr: float, *, latent: bool = False) -> OracleStep:
        """One sample of training. truth: what the loss learns from, a class label or a target (outputs,).

        latent: x is what `latent` made of the sample, and the step begins behind the frozen prefix.
        Raises UserError, weights untouched, for what the C engine refuses.
        """
        program, spec = self.train.program, self.train.spec
        start = require_frozen_prefix(self.train).latent if latent else None
        self.train.loss.require_truth(truth, program.output.size)
        if not (np.isfinite(lr) and lr >= 0):
            raise UserError(f"the learning rate is {lr}: pass a finite value of 0 or more.")
        looked_forward, looked = self._look_where_due() if np.isfinite(x).all() else (0, 0)
        ran = run_forward(program, x if start is None else np.reshape(x, start.shape), self.parameters, start)
        outputs = ran[program.output.name].y
        loss, error = self.train.loss.loss_and_error(outputs, truth)
        if self.train.loss.can_overflow and not np.isfinite(loss):
            raise UserError("the loss is NaN or infinite: lower the learning rate or scale the truth.")
        self._take(x)
        self._output_state, skipped = spec.skip.skip(self._output_state, loss, abs_sum(error))
        done = _Backward(loss, kept=(0,) * len(program.layers))
        if not skipped:
            done = self._backward(self.train.optimizer.clipped(error), ran, lr, done)
        return OracleStep(
            loss=loss,
            predicted=int(np.argmax(outputs)),
            skipped=skipped,
            kept=done.kept,
            looks=looked + done.looks,
            macs_forward=looked_forward + self._forward_macs(ran),
            macs_backward=done.macs,
        )

    def fit(self, x: Array, y: Array, lr: float | StepDecay, *, latent: bool = False) -> StepTrace:
        """One step per sample, or latent, of x (N, …) in order; y: labels (N,) or targets (N, outputs)."""
        rates = lr.rates(len(x)).tolist() if isinstance(lr, StepDecay) else [lr] * len(x)
        steps = [self.step(*one, latent=latent) for one in zip(x, y, rates, strict=True)]
        return StepTrace(
            loss=np.array([s.loss for s in steps], np.float32),
            predicted=np.array([s.predicted for s in steps], np.int64),
            skipped=np.array([s.skipped for s in steps], bool),
            kept=np.array([s.kept for s in steps], np.int64).reshape(len(steps), len(self._layer_states)),
            macs_forward=np.array([s.macs_forward for s in steps], np.int64),
            macs_backward=np.array([s.macs_backward for s in steps], np.int64),
            looks=np.array([s.looks for s in steps], np.int64),
        )

    def _forward_macs(self, ran: dict[str, Forward]) -> int:
        """Multiply-adds of the layers that ran."""
        return sum(
            forward_macs(node.op, ran[node.input].y, ran[node.output], self.train.skips_zeros_in(node))
            for node in self.train.program.layers
            if isinstance(node.op, LayerOp) and node.input in ran
        )

    def _take(self, x: Array) -> None:
        """Counts a step, and keeps its sample as long as one is missing to look at the network with."""
        if (looks := self.train.looks) is not None:
            if self._count < looks.samples:
                self._samples.append(frozen_array(x))
            self._count += 1

    def _look_where_due(self) -> tuple[int, int]:
        """Runs the network on the samples it keeps, if it is time, and has the rules judge how its layers answer.

        Returns multiply-adds and looks.
        """
        looks, macs, seen = self.train.looks, 0, 0
        if looks is None or self._count not in (looks.first, looks.again):
            return 0, 0
        for number, sample in enumerate(self._samples):
            ran = _values(self.train.program, sample, self.parameters, self.train.program.input)
            macs += self._forward_macs(ran)
            for step in self.train.looked_at:
                node, rule = self.train.answer_of(step)
                self._layer_states[step.layer], count = rule.compare(
                    self._layer_states[step.layer], ran[node.output].y, number
                )
                seen += count
        for step in self.train.looked_at:
            node, rule = self.train.answer_of(step)
            sizes, first = self.train.program.value_out(node).channels, self._count == looks.first
            self._layer_states[step.layer], count = rule.judge(self._layer_states[step.layer], *sizes, first=first)
            seen += count
        self._count = looks.looked
        return macs, seen

    def _backward(self, error: Array, ran: dict[str, Forward], lr: float, done: _Backward) -> _Backward:
        """The backward steps in order; ends early when a layer keeps nothing and no other error is on its way."""
        errors = {self.train.program.output.name: error}
        for step in self.train.steps:
            match step:
                case PassErrorStep():
                    errors |= self._pass_error(step, errors[step.node.output], ran)
                case AddErrorStep():
                    errors[step.value] = errors[step.value] + errors[step.slot]
                case BackwardStep():
                    below, done = self._layer_backward(step, errors[step.node.output], ran, lr, done)
                    if step.ends and step.selection is not None and done.kept[step.layer] == 0:
                        return done
                    if step.slot is not None and below is not None:
                        errors[step.slot] = below
        return done

    def _pass_error(self, step: PassErrorStep, error: Array, ran: dict[str, Forward]) -> dict[str, Array]:
        node = step.node
        if isinstance(node.op, JoinOp):
            sent = node.op.backward(error, self.train.program.shapes_in(node))
        else:
            assert isinstance(node.op, PassOp)
            sent = (node.op.backward(error, ran[node.input].y, ran[node.output]),)
        return {slot: below for slot, below in zip(step.slots, sent, strict=True) if slot is not None}

    def _layer_backward(
        self, step: BackwardStep, error: Array, ran: dict[str, Forward], lr: float, done: _Backward
    ) -> tuple[Array | None, _Backward]:
        """Select, propagate, update. Returns the error below, None where nobody needs it."""
        node, x, here = step.node, ran[step.node.input].y, ran[step.node.output]
        assert isinstance(node.op, LayerOp)
        whole = delta = node.op.delta(error, here) if step.mask_output else error
        if step.selection is not None:
            delta, done = self._select(step, delta, here, done)
            if step.ends and done.kept[step.layer] == 0:
                return None, done
        sent = whole if step.selects_late else delta
        parameters = self._parameters_of(node)
        below = node.op.input_error(sent, x, parameters, here) if step.propagate else None
        if below is not None and step.mask_input:
            below = np.where(x > 0, below, np.zeros_like(below))
        if step.selection is not None and done.kept[step.layer]:
            self._update(step, delta, x, here, lr)
        kept = done.kept[step.layer]
        macs = sum(
            backward_macs(part, x, sent if part.propagate else delta, kept, here, self.train)
            for part in self.train.parts(step)
        )
        return below, replace(done, macs=done.macs + macs)

    def _update(self, step: BackwardStep, delta: Array, x: Array, here: Forward, lr: float) -> None:
        sgd, weights = self.train.optimizer, {name: self.parameters[name] for name in step.learns}

        def without_gradient(start: Parameters, rate: float) -> Parameters:
            """`start` − rate · gradient. What else the layer has is handed in as it is, and its gradient is dropped."""
            op = step.node.op
            assert isinstance(op, LayerOp)
            whole = tuple(start.get(name, self.parameters[name]) for name in step.node.parameters)
            after = dict(zip(step.node.trained, op.updated(delta, x, whole, here, rate), strict=True))
            return {name: after[name] for name in step.learns}

        if sgd.momentum:
            carried = {name: sgd.carried(self.velocity[name], w) for name, w in weights.items()}
            velocity = without_gradient(carried, rate=-1.0)  # adds it
            self.velocity |= velocity
            self.parameters |= {name: descended(w, velocity[name], lr) for name, w in weights.items()}
        else:
            self.parameters |= without_gradient({name: sgd.decayed(w, lr) for name, w in weights.items()}, lr)

    def _select(self, step: BackwardStep, delta: Array, here: Forward, done: _Backward) -> tuple[Array, _Backward]:
        """δ with exact zeros where it is not kept."""
        op = step.node.op
        assert isinstance(op, LayerOp)
        assert step.selection is not None
        n = op.delta_count(self.train.program.value_in(step.node).shape)
        seen = {"loss": done.loss} if step.selection.reads_loss else {}
        self._layer_states[step.layer], selected = step.selection.select(
            self._layer_states[step.layer], delta, n, op.delta_order(here), **seen
        )
        found = int(selected.kept.sum()) if self.train.skips_zeros_of(step) else n
        kept = tuple(found if i == step.layer else k for i, k in enumerate(done.kept))
        return selected.delta, replace(done, kept=kept, looks=done.looks + selected.looks)

    def _parameters_of(self, node: Node) -> tuple[Array, ...]:
        return tuple(self.parameters[name] for name in node.parameters)


def run_forward(
    program: Program, x: Array, parameters: Parameters | None = None, start: Value | None = None
) -> dict[str, Forward]:
    """Every value of `program` for one sample, by name. parameters: in place of the program's own.

    start: the value that x is, through which all paths lead; only what is behind it runs. None: the input.
    Raises UserError when x has the wrong shape or holds NaN or infinity, or when the outputs do.
    """
    start = program.input if start is None else start
    if np.shape(x) != start.shape:
        raise UserError(f"the sample has shape {np.shape(x)}, but '{program.name}' takes {start.shape}.")
    sample = frozen_array(x)
    if not np.isfinite(sample).all():
        raise UserError("the sample contains NaN or infinity: check the sensor or the scaling.")
    ran = _values(program, sample, program.parameters if parameters is None else parameters, start)
    if not np.isfinite(ran[program.output.name].y).all():
        raise UserError("the outputs contain NaN or infinity: lower the learning rate or scale the input.")
    return ran


def _values(program: Program, sample: Array, parameters: Mapping[str, Array], start: Value) -> dict[str, Forward]:
    """The same of a checked sample, whatever comes of it."""
    ran = {start.name: Forward(sample)}
    written = [program.input.name, *(node.output for node in program.nodes)]
    with np.errstate(over="ignore", invalid="ignore"):
        for node in program.nodes[written.index(start.name) :]:
            xs = tuple(ran[name].y for name in node.inputs)
            ran[node.output] = node.op.run(xs, tuple(parameters[name] for name in node.parameters))
    return ran
