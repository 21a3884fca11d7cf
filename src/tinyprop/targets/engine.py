"""Engine: a compiled network that trains and answers, wherever it runs. What all targets share is here."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from types import TracebackType
from typing import Any, Self

import numpy as np

from tinyprop.checkpoint import Checkpoint, encode
from tinyprop.codegen.layout import from_engine, to_engine, weight_hash
from tinyprop.errors import InternalError, UserError
from tinyprop.ir.graph import frozen_array
from tinyprop.ir.train_program import TrainProgram
from tinyprop.methods.step_decay import StepDecay
from tinyprop.store import SampleStore
from tinyprop.targets.part import Part
from tinyprop.targets.progress import Report, progress_report
from tinyprop.targets.samples import SampleCheck, as_array, checked_epochs, checked_parameters, checked_rates
from tinyprop.trace import StepTrace, StoreTrace


@dataclass(frozen=True)
class Facts:
    """What the compiled network says of itself: counts of elements, and the bytes of its memory.

    parameters: those that learn; state_words: what a checkpoint keeps; identity: of the program it belongs to;
    learns_targets: its loss takes floats (N, outputs), a regression; otherwise class
    labels (N,).
    """

    inputs: int
    outputs: int
    layers: int
    parameters: int
    memory_bytes: int
    state_words: int
    identity: int
    learns_targets: bool = False


class TrainingStopped(UserError):
    """A step failed in the middle of a run. The steps before it are done: trace holds them, epochs end to end."""

    def __init__(self, sentence: str, trace: StepTrace) -> None:
        super().__init__(sentence)
        self.trace = trace

    def __reduce__(self) -> tuple[type[Self], tuple[str, StepTrace]]:
        """Both, so that it survives the way from one process to another."""
        return type(self), (str(self), self.trace)


class Engine(ABC):
    """One network on one target, with its weights and the state of its method.

    Everything a user passes is checked here, before anything runs: on a UserError the weights are untouched, except
    for TrainingStopped, which says how far the run went.
    """

    train_program: TrainProgram | None = None  # known when built from a captured network

    def __init__(
        self, facts: Facts, input_shape: tuple[int, ...], target: str, chunk: int, latent_size: int = 0
    ) -> None:
        if prod(input_shape) != facts.inputs:
            raise UserError(f"input_shape {input_shape} has {prod(input_shape)} elements, the network {facts.inputs}.")
        self.facts = facts
        self.input_shape = tuple(input_shape)
        self.target = target
        self._chunk = chunk
        self._latent_size = latent_size
        self._part = Part.WHOLE  # which `_train` and `_infer` run
        self._check = SampleCheck(self.input_shape, facts.outputs, facts.learns_targets)

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        epochs: int = 1,
        lr: float | StepDecay = 0.01,
        seed: int | None = None,
        progress: bool | Report = True,
    ) -> StepTrace:
        """Trains on x (N, *input_shape), one sample at a time; returns a row per step.

        y: what the loss learns, class labels (N,) of an integer type, or targets (N, outputs) for mean squared error.
        lr: one rate, or a StepDecay, which counts from the first step of this call.
        seed None keeps the order of the samples, a number shuffles them anew in each epoch. progress: a bar
        where stderr is a terminal and the run is not short, no bar, or a function told (steps done, steps in all).
        Raises UserError for input it cannot take, TrainingStopped when a step fails.
        """
        samples = self._check.samples(x)
        truths = self._check.truths(y, len(samples))
        order = _order(len(samples), checked_epochs(epochs), seed)
        rates = checked_rates(lr, len(order))
        with progress_report(progress, f"training on {self.target}", len(order)) as report:
            trace, status = self._steps(samples, truths, order, rates, lambda done: report(done, len(order)))
        if status != 0:
            step = len(trace)
            sentence = f"step {step} of {len(order)}, on sample {order[step]}: {self._explain(status)}"
            sentence += "; what the steps before it made of the weights stays, reset() takes it back."
            raise TrainingStopped(sentence, trace)
        return trace

    def fit_from_store(
        self, store: SampleStore, *, rounds: int = 1, lr: float | StepDecay = 0.01, progress: bool | Report = True
    ) -> StoreTrace:
        """Trains `rounds` times on what is awake in `store`, one sample at a time, in the order in which a device does.

        Samples whose step was skipped sleep through rounds to come, and cost nothing in them. A round that was begun is
        ended first and counts as one. Of a store of latents the steps begin behind the frozen prefix, which does not
        run.
        lr: one rate, or a StepDecay, which counts the steps of this call. progress: as in `fit`, told the samples that
        had their turn, asleep or not, and how many will. Raises UserError for a store it cannot take, TrainingStopped
        when a step fails; the rest of that round is then over.
        """
        self._require_classes("a store keeps samples with their classes", "fit(x, y)")
        self._require_store(store)
        turns = checked_epochs(rounds, "rounds") * len(store)
        rates = checked_rates(lr, turns)
        made: list[StoreTrace] = []
        done = passed = 0
        part = Part.FROM_LATENT if store.settings.latent else Part.WHOLE
        with progress_report(progress, f"training on {self.target}", turns) as report, self._only(part):
            for number in range(rounds):
                awake = store.awake_round()
                passed += awake.slept

                def report_turns(steps: int, before: int = done + passed) -> None:
                    report(before + steps, turns)

                samples, labels = awake.x.reshape(len(awake), store.settings.features), awake.y.astype(np.uint32)
                of_round = rates[done : done + len(awake)]
                trace, status = self._steps(samples, labels, np.arange(len(awake)), of_round, report_turns)
                store.told(awake.slots[: len(trace)], trace.skipped)
                counts = np.array([len(trace)]), np.array([awake.slept])
                made.append(StoreTrace(trace, *counts, latent=store.settings.latent))
                if status != 0:
                    slot = awake.slots[len(trace)]
                    sentence = f"round {number} of {rounds}, on the sample in slot {slot}: {self._explain(status)}."
                    raise TrainingStopped(sentence, StoreTrace.joined(made).steps)
                done += len(awake)
                report_turns(0, done + passed)
        return StoreTrace.joined(made)

    def _steps(
        self,
        samples: np.ndarray,
        truths: np.ndarray,
        order: np.ndarray,
        rates: np.ndarray,
        report: Callable[[int], None],
    ) -> tuple[StepTrace, int]:
        """Steps on the samples that `order` (n,) names, at rates (n,); ends at the first status that is not 0.

        report: told the steps done, every now and then.
        """
        traces: list[StepTrace] = []
        for start, end in _spans_of_one_rate(rates, self._chunk):
            part = order[start:end]
            trace, status = self._train(samples[part], truths[part], float(rates[start]))
            traces.append(trace)
            if status != 0:
                return StepTrace.joined(traces), status
            report(end)
        return (StepTrace.joined(traces) if traces else StepTrace.empty(self.facts.layers)), 0

    def logits(self, x: Any, *, progress: bool | Report = True) -> np.ndarray:
        """Outputs before any softmax, (N, outputs) float32, of x (N, *input_shape). Raises UserError."""
        return self._inferred(self._check.samples(x), progress)

    @property
    def latent_size(self) -> int:
        """How many values a latent has. Raises UserError where the engine was not built with latent=True."""
        if not self._latent_size:
            raise UserError(
                "this engine makes no latents: build it of a network trained with latent=True and a frozen prefix, as "
                'network.train(method, trainable="last_layer", latent=True).'
            )
        return self._latent_size

    def latents(self, x: Any, *, progress: bool | Report = True) -> np.ndarray:
        """What the frozen prefix makes of x (N, *input_shape): (N, latent_size) float32. Raises UserError."""
        self.latent_size  # noqa: B018  whether there are any
        samples = self._check.samples(x)
        with self._only(Part.PREFIX):
            return self._inferred(samples, progress)

    def logits_from_latents(self, latents: Any, *, progress: bool | Report = True) -> np.ndarray:
        """Outputs (N, outputs) float32 of latents (N, latent_size), as `logits` of the samples. Raises UserError."""
        checked = SampleCheck((self.latent_size,), self.facts.outputs).samples(latents)
        with self._only(Part.FROM_LATENT):
            return self._inferred(checked, progress)

    @contextmanager
    def _only(self, part: Part) -> Iterator[None]:
        """`_train` and `_infer` run that part of the network."""
        self._part = part
        try:
            yield
        finally:
            self._part = Part.WHOLE

    @property
    def _outputs(self) -> int:
        """Values that `_infer` gives of a sample."""
        return self._latent_size if self._part is Part.PREFIX else self.facts.outputs

    def _inferred(self, samples: np.ndarray, progress: bool | Report) -> np.ndarray:
        outputs = []
        with progress_report(progress, f"inference on {self.target}", len(samples)) as report:
            for start in range(0, len(samples), self._chunk):
                part = samples[start : start + self._chunk]
                rows, status = self._infer(part)
                if status != 0:
                    raise UserError(f"sample {start + len(rows)}: {self._explain(status)}.")
                outputs.append(rows)
                report(start + len(part), len(samples))
        return np.concatenate(outputs)

    def predict(self, x: Any) -> np.ndarray:
        """Classes (N,) int64 of x (N, *input_shape); of equal outputs the first wins. Raises UserError."""
        self._require_classes("predict names classes", "logits(x)")
        classes: np.ndarray = self.logits(x).argmax(axis=1)
        return classes

    def accuracy(self, x: Any, y: Any) -> float:
        """Share of samples whose class is predicted, in percent. Raises UserError."""
        self._require_classes("accuracy counts samples whose class is predicted", "mean_loss(x, y)")
        labels = self._check.labels(y, len(self._check.samples(x)))
        return 100.0 * float(np.mean(self.predict(x) == labels))

    def mean_loss(self, x: Any, y: Any) -> float:
        """Mean loss of x (N, *input_shape) with y as `fit` takes it, without learning. Raises UserError."""
        truths = self._check.truths(y, len(self._check.samples(x)))
        loss = self._known().loss
        rows = zip(self.logits(x), truths, strict=True)
        return float(np.mean([loss.loss_and_error(outputs, truth)[0] for outputs, truth in rows], dtype=np.float64))

    def weights(self) -> dict[str, np.ndarray]:
        """The weights as they are now, frozen ones included: name → array of its own in PyTorch's layout, under the
        keys of a state_dict."""
        train = self._known()
        now = {**train.program.parameters, **from_engine(train.program, self.parameters(), train.trainable)}
        return {name: array.copy() for name, array in now.items()}

    def set_weights(self, weights: Mapping[str, Any]) -> None:
        """Replaces all weights by name → array or tensor in PyTorch's layout; frozen ones must be given as they are.

        Raises UserError.
        """
        train = self._known()
        own = train.program.parameters
        if not isinstance(weights, Mapping):
            raise UserError(f"weights are a {type(weights).__name__}: pass a mapping such as model.state_dict().")
        arrays = {name: as_array(weights[name], f"weight '{name}'") for name in own if name in weights}
        if wrong := [name for name in own if name not in arrays or arrays[name].shape != own[name].shape]:
            raise UserError(f"weights do not fit: {', '.join(wrong)} missing or of the wrong shape; pass a state_dict.")
        self._require_frozen(train, arrays)
        self.set_parameters(to_engine(train.program, arrays, train.trainable))

    def weight_hash(self) -> str:
        """SHA-256 over all weights in PyTorch's layout, float32 little-endian, in program order."""
        return weight_hash(self.weights())

    def checkpoint(self, *, steps: int = 0, sequence: int = 1) -> Checkpoint:
        """All that was learned, optimizer and method included, as a device saves it. Raises UserError.

        steps: a count of your own; sequence: of the save, what a device loads is the newest.
        """
        state = self._state()
        state.setflags(write=False)
        made = Checkpoint(sequence, self.facts.identity, steps, state)
        encode(made)  # which looks at the counts
        return made

    def restore(self, checkpoint: Checkpoint) -> int:
        """Goes on where `checkpoint` was saved, by this engine, another one or a device; returns its steps.

        Raises UserError where another program saved it, or a weight in it is NaN or infinite.
        """
        words, own = checkpoint.state.size, self.facts
        if (checkpoint.identity, words) != (own.identity, own.state_words):
            raise UserError(
                f"the checkpoint has {words} words of program {checkpoint.identity:08x}, this engine is "
                f"{own.identity:08x} with {own.state_words}: build the network and method that saved it."
            )
        if not np.isfinite(checkpoint.state[: words - 1 - own.layers].view(np.float32)).all():
            raise UserError("the checkpoint holds a weight that is NaN or infinite: take an older one.")
        self._set_state(checkpoint.state)
        return checkpoint.steps

    @staticmethod
    def _require_frozen(train: TrainProgram, arrays: Mapping[str, np.ndarray]) -> None:
        own = train.program.parameters
        if different := [name for name in train.frozen if (frozen_array(arrays[name]) != own[name]).any()]:
            raise UserError(
                f"{', '.join(different)} differ from the frozen weights of this engine, which lie in flash: pass them "
                f"as they are, or take network.with_weights(weights), train and build again."
            )

    def _known(self) -> TrainProgram:
        if self.train_program is None:
            raise InternalError(
                "this engine was built from sources alone: it knows neither weights by name nor its loss"
            )
        return self.train_program

    def _require_classes(self, what: str, instead: str) -> None:
        if self.facts.learns_targets:
            raise UserError(f"{what}, and this network learns targets, not classes: use {instead}.")

    def _require_store(self, store: Any) -> None:
        if not isinstance(store, SampleStore):
            raise UserError(f"store is {store!r}, not a store of samples: pass a tinyprop.SampleStore.")
        shape = (self.latent_size,) if store.settings.latent else self.input_shape
        if store.settings.input_shape != shape or store.settings.classes > self.facts.outputs:
            kept, taken = (store.settings.input_shape, store.settings.classes), (shape, self.facts.outputs)
            raise UserError(
                f"the store keeps shape {kept[0]} of {kept[1]} classes, this network takes shape {taken[0]} and "
                f"{taken[1]} classes: make the store for this network."
            )
        if len(store) == 0:
            raise UserError("the store is empty: offer it samples first, as store.offer_all(x, y).")

    def set_parameters(self, values: Any) -> None:
        """Replaces the parameters that learn by values (P,), in the order of `parameters`. Raises UserError."""
        self._set_parameters(checked_parameters(values, self.facts.parameters))

    @abstractmethod
    def parameters(self) -> np.ndarray:
        """The parameters that learn, (P,) float32, in program order and the engine's own layout."""

    @abstractmethod
    def reset(self) -> None:
        """Back to the initial weights and a method without memory of the past."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what the target holds. Closing twice is allowed."""

    @abstractmethod
    def _train(self, samples: np.ndarray, truths: np.ndarray, rate: float) -> tuple[StepTrace, int]:
        """Steps on samples (n, inputs) in order; stops at the first status that is not 0 and returns it.

        truths: labels (n,) uint32 or targets (n, outputs) float32, as the loss learns them.
        """

    @abstractmethod
    def _infer(self, samples: np.ndarray) -> tuple[np.ndarray, int]:
        """Outputs (n, outputs) of samples (n, inputs), up to the first status that is not 0, and that status."""

    @abstractmethod
    def _set_parameters(self, values: np.ndarray) -> None:
        """Stores values (P,) float32, known to be finite."""

    @abstractmethod
    def _state(self) -> np.ndarray:
        """The words that a checkpoint keeps, (W,) uint32, an array of its own."""

    @abstractmethod
    def _set_state(self, state: np.ndarray) -> None:
        """Stores such words."""

    @abstractmethod
    def _explain(self, status: int) -> str:
        """What tp_strerror says."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _order(count: int, epochs: int, seed: int | None) -> np.ndarray:
    """Sample numbers of all steps, (epochs * count,). Raises UserError."""
    if seed is None:
        return np.tile(np.arange(count), epochs)
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise UserError(f"seed={seed!r}: pass a whole number of 0 or more, or None to keep the order.")
    generator = np.random.default_rng(seed)
    return np.concatenate([generator.permutation(count) for _ in range(epochs)])


def _spans_of_one_rate(rates: np.ndarray, longest: int) -> Iterator[tuple[int, int]]:
    """Steps from … to (not included) at one rate, at most `longest` of them, in order."""
    falls = np.flatnonzero(np.diff(rates)) + 1
    for first, end in pairwise([0, *falls.tolist(), len(rates)]):
        for start in range(first, end, longest):
            yield start, min(start + longest, end)
