"""The contract of a training method, checked on what it says and, where it claims so, on what the C engine does."""

import dataclasses
import itertools
import keyword
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinyprop.codegen.layout import weight_hash
from tinyprop.codegen.rule_calls import without_twins
from tinyprop.errors import UserError
from tinyprop.ir.chain import chain
from tinyprop.ir.graph import Program
from tinyprop.ir.ops import Conv2d, Dense, MaxPool2d, ReLU, Reshape
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.methods.method import Method
from tinyprop.methods.rules.rule import LayerState, SelectionRule, SkippingRule
from tinyprop.methods.spec import LayerInfo, TrainSpec
from tinyprop.surface import Network

SAMPLES, EPOCHS, RATE = 24, 6, 0.05
LAYERS = (
    LayerInfo("conv", 600, 40, 75, macs=(20_000, 20_000), weight="conv.weight", bias="conv.bias"),
    LayerInfo("depthwise", 600, 80, 75, True, macs=(5_400, 5_400), weight="depthwise.weight", bias="depthwise.bias"),
    LayerInfo("hidden", 40, 900, macs=(9_000, 9_000), weight="hidden.weight"),
    LayerInfo("output", 10, 410, macs=(400, 400), weight="output.weight", bias="output.bias"),
)


def check_method(method: type[Method] | Method, *, engine: bool = True) -> str:
    """One sentence of what was checked; raises AssertionError, in one sentence, for the first thing that does not hold.

    A method is a frozen record that answers alike whenever it is asked; its rules choose within bounds, keep no zeros,
    change nothing they are shown and decide alike on the same; where all is kept δ is untouched; samples of large
    error are trained on; a small problem is learned. If its rules have twins in the engine, the compiled host engine
    must do the same, bit for bit, on an MLP and on a network of convolutions (a few seconds; engine=False leaves it
    out). With a rule that claims none it is checked in Python alone, and the sentence says so.

    method: a class, which is tried with its defaults, or an object with settings of yours. Raises UserError for what
    is neither.

        def test_mine() -> None:
            tinyprop.testing.check_method(MyMethod)
    """
    made = _made(method)
    for check in CHECKS:
        check(made)
    if unclaimed := without_twins(made.spec(LAYERS)):
        return f"{made.name} keeps the contract in Python; not compiled: no twin is claimed for {', '.join(unclaimed)}."
    if not engine:
        return f"{made.name} keeps the contract in Python; not compiled: engine=False was passed."
    for program in _networks():
        _engine_does_the_same(made, program)
    return f"{made.name} keeps the contract in Python and, bit for bit, in the compiled engine."


def _made(method: Any) -> Method:
    kind = method if isinstance(method, type) else type(method)
    if not issubclass(kind, Method):
        raise UserError(
            f"method is {method!r}, not a training method: pass a class that derives from tinyprop.Method, or an "
            f"object of one."
        )
    if not isinstance(method, type):
        return method
    lacking = sorted(kind.__abstractmethods__)
    _hold(not lacking, f"{kind.__name__} has no {', '.join(lacking)}(): define it, as docs/adding/method.md says.")
    missing = dataclasses.MISSING
    bare = [f.name for f in dataclasses.fields(kind) if f.default is missing and f.default_factory is missing]
    _hold(
        not bare,
        f"{kind.__name__} has no default for {', '.join(bare)}: give it one, or pass an object with a value of yours.",
    )
    return kind()


def _is_a_record(method: Method) -> None:
    kind = type(method)
    parameters = getattr(kind, "__dataclass_params__", None)
    _hold(
        parameters is not None and parameters.frozen,
        f"{kind.__name__} is no frozen dataclass: add @dataclass(frozen=True).",
    )
    _hold(method == dataclasses.replace(method), f"{kind.__name__} does not equal a copy of itself.")
    _hold(hash(method) == hash(dataclasses.replace(method)), f"a copy of {kind.__name__} has another hash.")
    for text in ("name", "title", "summary"):
        value = getattr(method, text, "")
        _hold(
            isinstance(value, str) and value.strip() and "\n" not in value, f"its {text} is {value!r}: give one line."
        )
    known = method.name.isidentifier() and method.name.islower() and not keyword.iskeyword(method.name)
    _hold(known, f"its name is '{method.name}': choose one in snake_case.")


def _says_where_to_look_for_its_settings(method: Method) -> None:
    settings = [field.name for field in dataclasses.fields(method)]
    _hold(list(method.space) == settings, f"space names {list(method.space)}, its settings are {settings}: name each.")
    for name, where in method.space.items():
        _hold(where.low < where.high, f"{name} is looked for from {where.low} to {where.high}: nothing lies between.")
        own = getattr(method, name)
        _hold(where.low <= own <= where.high, f"{name} is {own}, and looked for from {where.low} to {where.high}.")
        _hold(where.low > 0 or not where.log, f"{name} is looked for by factors from {where.low}: start above 0.")
        _hold(_refuses_nan(method, name), f"{name} may be NaN: check it in __post_init__ and raise UserError.")
    for ends in itertools.product(*((where.low, where.high) for where in method.space.values())):
        dataclasses.replace(
            method, **dict(zip(settings, ends, strict=True))
        )  # raises UserError where they do not go together


def _refuses_nan(method: Method, setting: str) -> bool:
    """Whether the settings are checked at all: what else is refused differs from method to method."""
    try:
        dataclasses.replace(method, **{setting: math.nan})
    except UserError:
        return True
    except Exception as error:  # whatever the author's own check raises
        kind = type(error).__name__
        raise AssertionError(f"{setting} = NaN is refused by {kind}: raise tinyprop.UserError in its place.") from error
    return False


def _answers_alike_with_a_rule_per_layer(method: Method) -> None:
    for depth in range(1, len(LAYERS) + 1):
        layers = LAYERS[-depth:]
        try:
            spec = method.spec(layers)
        except UserError:
            _hold(depth < len(LAYERS), f"spec() refuses a network of {depth} layers with the settings it was given.")
            continue
        _hold(isinstance(spec, TrainSpec), f"spec() answers with {spec!r}: return a TrainSpec.")
        many = type(spec.selections).__name__
        _hold(isinstance(spec.selections, tuple), f"spec() has its selections in a {many}: make it a tuple.")
        _hold(spec == method.spec(layers), "spec() answers otherwise when it is asked again.")
        _hold(hash(spec) == hash(method.spec(layers)), "what spec() answers has another hash when it is asked again.")
        _hold(spec.method == method.name, f"spec() bears the name '{spec.method}', the method '{method.name}'.")
        count = len(spec.selections)
        _hold(
            count == depth, f"spec() has {count} selections for {depth} layers: one for each, None if it never trains."
        )
        _hold(any(rule is not None for rule in spec.selections), f"of {depth} layers spec() lets none train.")
        for given, kind in ((spec.skip, SkippingRule), *((rule, SelectionRule) for rule in spec.selections)):
            known = isinstance(given, kind) or (given is None and kind is SelectionRule)
            _hold(known, f"spec() has {given!r} where a {kind.__name__} belongs: give an object that derives from it.")


def _claims_only_twins_that_are_there(method: Method) -> None:
    spec = method.spec(LAYERS)
    unknown = without_twins(spec)
    for rule in (spec.skip, *(rule for rule in spec.selections if rule is not None)):
        name, table = type(rule).__name__, "SELECTIONS" if isinstance(rule, SelectionRule) else "SKIPS"
        _hold(
            not rule.c_function or name not in unknown,
            f"{name} names {rule.c_function}, which the engine does not know for it: add the line of {name} to {table} "
            f'in src/tinyprop/codegen/rule_calls.py, or set c_function = "" as long as it has no twin.',
        )


def _selects_within_bounds(method: Method) -> None:
    for layer, rule, delta in _cases(method):
        before, state = delta.copy(), LayerState()
        after, selected = rule.select(state, delta, layer.n, np.arange(delta.size))
        name = type(rule).__name__
        _hold(np.array_equal(delta, before), f"{name} wrote into the δ it was shown: work on a copy.")
        _hold(isinstance(after, LayerState), f"{name} answers with no LayerState, but {after!r}.")
        shapes = selected.kept.shape == delta.shape and selected.delta.shape == delta.shape
        _hold(
            shapes and selected.kept.dtype == bool, f"{name} answers in other shapes than that of δ, or with no mask."
        )
        _hold(selected.looks >= 0, f"{name} says that it looked at {selected.looks} entries.")
        whole = bool(selected.kept.all())
        _hold(
            whole or not selected.kept[delta == 0].any(),
            f"{name} keeps exact zeros of a δ that it does not keep whole.",
        )
        _hold(
            not selected.delta[~selected.kept].any(), f"{name} back-propagates entries that it says it does not keep."
        )
        _hold(not whole or np.array_equal(selected.delta, delta), f"{name} keeps all of δ, but changes it.")
        _hold(selected.kept.any() or not delta.any(), f"{name} keeps nothing of a δ of {layer.n} normal numbers.")


def _decides_alike_on_the_same(method: Method) -> None:
    for layer, rule, delta in _cases(method):
        states, answers = [LayerState(), LayerState()], []
        for _ in range(3):
            answers = [rule.select(state, delta, layer.n, np.arange(delta.size)) for state in states]
            states = [state for state, _ in answers]
            same = states[0] == states[1] and np.array_equal(answers[0][1].delta, answers[1][1].delta)
            _hold(same, f"{type(rule).__name__} decides otherwise on the same δ after the same history.")


def _trains_on_samples_of_large_error(method: Method) -> None:
    skipped = method.spec(LAYERS).skip.skip(LayerState(), np.float32(2.3), np.float32(1.8))[1]
    _hold(
        not skipped,
        "a first sample with a loss of 2.3 and an output error of 1.8 is skipped: nothing would be learned.",
    )


def _learns(method: Method) -> None:
    program = next(_networks())
    trainer = OracleTrainer(Network(program).train(method).train_program)
    x, y = _problem(program)
    losses = [trainer.fit(x, y, RATE).loss.mean() for _ in range(EPOCHS)]
    _hold(losses[-1] < losses[0], f"the loss of an easy problem goes from {losses[0]:.3f} to {losses[-1]:.3f}.")


CHECKS: tuple[Callable[[Method], None], ...] = (
    _is_a_record,
    _says_where_to_look_for_its_settings,
    _answers_alike_with_a_rule_per_layer,
    _claims_only_twins_that_are_there,
    _selects_within_bounds,
    _decides_alike_on_the_same,
    _trains_on_samples_of_large_error,
    _learns,
)


def _engine_does_the_same(method: Method, program: Program) -> None:
    trainer = Network(program).train(method)
    x, y = _problem(program)
    oracle = OracleTrainer(trainer.train_program)
    expected = oracle.fit(x, y, RATE)
    with trainer.build("host") as engine:
        trace = engine.fit(x, y, lr=RATE, progress=False)
        for column in ("loss", "skipped", "kept", "looks", "macs_forward", "macs_backward"):
            same = np.array_equal(getattr(trace, column), getattr(expected, column))
            _hold(same, f"the engine's {column} on '{program.name}' is not what the rules in Python say.")
        same = weight_hash(engine.weights()) == weight_hash(oracle.parameters)
        _hold(same, f"the engine trains other weights on '{program.name}' than the rules in Python.")


def _cases(method: Method) -> Iterator[tuple[LayerInfo, SelectionRule, np.ndarray]]:
    """Every rule of a spec with a few δ of its layer: as a ReLU leaves it, without a zero, nothing but zeros."""
    rng = np.random.default_rng(0)
    for layer, rule in zip(LAYERS, method.spec(LAYERS).selections, strict=True):
        if rule is None:
            continue
        shape = (layer.n,) if layer.positions == 1 else (layer.n // layer.positions, 5, layer.positions // 5)
        dense = rng.normal(size=shape).astype(np.float32)
        for delta in (dense * (rng.random(shape) < 0.6), dense, np.zeros_like(dense)):
            yield layer, rule, delta.astype(np.float32)


def _networks() -> Iterator[Program]:
    yield chain("contract_mlp", (8,), [Dense(8, 24, relu=True), Dense(24, 12, relu=True), Dense(12, 3)])
    convolutions = [Conv2d(1, 6, (3, 3), padding=(1, 1)), ReLU(), MaxPool2d((2, 2), (2, 2)), Conv2d(6, 5, (3, 3))]
    yield chain("contract_cnn", (1, 8, 9), [*convolutions, ReLU(), Reshape(), Dense(20, 3)])


def _problem(program: Program) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, each a pattern and noise."""
    rng = np.random.default_rng(1)
    patterns = rng.normal(size=(3, *program.input.shape))
    y = rng.integers(0, 3, SAMPLES)
    return (patterns[y] + 0.2 * rng.normal(size=(SAMPLES, *program.input.shape))).astype(np.float32), y


def _hold(condition: object, sentence: str) -> None:
    if not condition:
        raise AssertionError(sentence)
