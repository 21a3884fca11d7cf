"""`check_method` finds what is wrong: one broken method for each line of the contract."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import tinyprop
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense
from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.number_check import require_non_negative
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule
from tinyprop.methods.rules.skip_by_loss import SkipByLoss
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, TrainSpec
from tinyprop.surface import Network
from tinyprop.testing import check_method


@dataclass(frozen=True)
class Mine(Method):
    name: ClassVar[str] = "mine"
    title: ClassVar[str] = "mine"
    summary: ClassVar[str] = "keeps what is large"
    space: ClassVar[Mapping[str, Range]] = {"theta": Range(0.1, 1.0)}
    theta: float = 0.5

    def __post_init__(self) -> None:
        require_non_negative("Mine", "theta", self.theta)

    def rule(self) -> SelectionRule:
        return KeepAbove(self.theta)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        rules = (*(self.rule() for _ in layers[1:]), KeepAll())
        return TrainSpec(self.name, skip_zeros=True, skip=NeverSkip(), selections=rules)


@dataclass(frozen=True)
class OnlyInPython(SelectionRule):
    """Every other entry: a rule that the engine has not, and that says nothing of one."""

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        kept = (np.arange(delta.size).reshape(delta.shape) % 2 == 0) & (delta != 0)
        return state, Selected.of(delta, kept, looks=delta.size)


class KeepsNothing(OnlyInPython):
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        return state, Selected.of(delta, np.zeros(delta.shape, dtype=bool), looks=0)


class LooksBack(OnlyInPython):
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        state, selected = super().select(state, delta, n, order)
        return state, Selected(selected.delta, selected.kept, looks=-1)


@dataclass(frozen=True)
class NamesATwin(OnlyInPython):
    c_function: ClassVar[str] = "tp_keep_every_other_f32"


class Writes(OnlyInPython):
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        answer = super().select(state, delta, n, order)
        delta[...] = 0
        return answer


class KeepsZeros(OnlyInPython):
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        kept = np.ones(delta.shape, dtype=bool)
        kept.flat[0] = False
        return state, Selected.of(delta, kept, looks=0)


class Scales(OnlyInPython):
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        return state, Selected(2 * delta, np.ones(delta.shape, dtype=bool), looks=0)


class Leaks(OnlyInPython):
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        state, selected = super().select(state, delta, n, order)
        return state, Selected(delta, selected.kept, selected.looks)


class Flat(OnlyInPython):
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        return super().select(state, delta.ravel(), n, order)


class Forgets(OnlyInPython):
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        return None, super().select(state, delta, n, order)[1]  # type: ignore[return-value]


class Gambles(OnlyInPython):
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        kept = (np.random.default_rng().random(delta.shape) < 0.5) & (delta != 0)
        return state, Selected.of(delta, kept, looks=0)


class Ascends(OnlyInPython):
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        state, selected = super().select(state, delta, n, order)
        return state, Selected(-selected.delta, selected.kept, selected.looks)


class WrongTwin(KeepAbove):
    """Says that the engine computes it, which keeps something else."""

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        return KeepAbove(self.theta * 1.5).select(state, delta, n, order)


def with_rule(made: SelectionRule) -> Method:
    return type("Mine", (Mine,), {"rule": lambda self: made})()


def test_a_method_of_ones_own_passes_with_and_without_a_twin() -> None:
    alone = "mine keeps the contract in Python; not compiled: "
    assert check_method(Mine) == "mine keeps the contract in Python and, bit for bit, in the compiled engine."
    assert check_method(Mine, engine=False) == f"{alone}engine=False was passed."
    assert check_method(with_rule(OnlyInPython())) == f"{alone}no twin is claimed for OnlyInPython."


def test_a_rule_without_a_twin_is_refused_by_name_when_the_engine_is_built() -> None:
    network = Network(chain("net", (4,), [Dense(4, 8, relu=True), Dense(8, 3)]))
    trainer = network.train(with_rule(OnlyInPython()))
    with pytest.raises(tinyprop.UserError, match="method 'mine' uses OnlyInPython, of which the engine has no twin"):
        trainer.build("host")


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (Writes(), "Writes wrote into the δ it was shown"),
        (KeepsNothing(), "KeepsNothing keeps nothing of a δ"),
        (LooksBack(), "LooksBack says that it looked at -1 entries"),
        (NamesATwin(), "NamesATwin names tp_keep_every_other_f32, which the engine does not know"),
        (NamesATwin(), r"add the line of NamesATwin to SELECTIONS in src/tinyprop/codegen/rule_calls\.py"),
        (KeepsZeros(), "KeepsZeros keeps exact zeros"),
        (Scales(), "Scales keeps all of δ, but changes it"),
        (Leaks(), "Leaks back-propagates entries that it says it does not keep"),
        (Flat(), "Flat answers in other shapes"),
        (Forgets(), "Forgets answers with no LayerState"),
        (Gambles(), "Gambles decides otherwise on the same δ"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_rule_is_named(rule: SelectionRule, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_method(with_rule(rule))


def test_a_twin_that_does_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinyprop.codegen import rule_calls

    monkeypatch.setitem(rule_calls.SELECTIONS, WrongTwin, rule_calls.SELECTIONS[KeepAbove])
    with pytest.raises(AssertionError, match=r"the engine's .* on 'contract_mlp' is not what the rules in Python say"):
        check_method(with_rule(WrongTwin(0.6)))


def changed(**attributes: object) -> Method:
    return type("Mine", (Mine,), attributes)()


def spec_of(**fields: object) -> Method:
    def spec(self: Mine, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        whole = {"method": "mine", "skip_zeros": True, "skip": NeverSkip(), "selections": (KeepAll(),) * len(layers)}
        return TrainSpec(**(whole | {name: value(layers) for name, value in fields.items()}))  # type: ignore[operator]

    return changed(spec=spec)


def refuses(error: Exception) -> Method:
    def check(self: Mine) -> None:
        if not self.theta > 0:
            raise error

    return changed(__post_init__=check)


class NoRecord(Mine):
    pass


NoRecord.__dataclass_params__ = None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        (NoRecord(), "NoRecord is no frozen dataclass"),
        (changed(summary="two\nlines"), "its summary is"),
        (changed(name="Mine Own"), "its name is 'Mine Own'"),
        (changed(space={}), "space names"),
        (changed(space={"theta": Range(0.5, 0.5)}), "nothing lies between"),
        (changed(space={"theta": Range(0.0, 1.0, log=True)}), "by factors from 0.0"),
        (changed(__hash__=lambda self: id(self)), "another hash"),
        (changed(__eq__=lambda self, other: False, __hash__=lambda self: 1), "does not equal a copy of itself"),
        (
            changed(__post_init__=lambda self: None),
            r"theta may be NaN: check it in __post_init__ and raise UserError\.",
        ),
        (refuses(ValueError()), r"theta = NaN is refused by ValueError: raise tinyprop\.UserError in its place\."),
        (changed(spec=lambda self, layers: None), r"spec\(\) answers with None: return a TrainSpec\."),
        (spec_of(selections=lambda layers: [KeepAll()] * len(layers)), "selections in a list: make it a tuple"),
        (spec_of(selections=lambda layers: (KeepAll,) * len(layers)), "where a SelectionRule belongs: give an object"),
        (spec_of(skip=lambda layers: None), r"spec\(\) has None where a SkippingRule belongs"),
        (changed(space={"theta": Range(0.6, 1.0)}), "theta is 0.5, and looked for from 0.6"),
        (spec_of(selections=lambda layers: (KeepAll(),) * 9), "9 selections for 1 layers"),
        (spec_of(selections=lambda layers: (None,) * len(layers)), "lets none train"),
        (spec_of(method=lambda layers: "yours"), "bears the name 'yours'"),
        (spec_of(selections=lambda layers: tuple(KeepAbove(np.random.rand()) for _ in layers)), "asked again"),
        (spec_of(skip=lambda layers: SkipByLoss(9.0)), "nothing would be learned"),
        (spec_of(selections=lambda layers: (Ascends(),) * len(layers)), "the loss of an easy problem goes from"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_record_is_named(method: Method, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_method(method, engine=False)


@dataclass(frozen=True)
class WithoutSpec(Method):
    name: ClassVar[str] = "without_spec"


@dataclass(frozen=True)
class WithoutDefault(Mine):
    theta: float = dataclasses.field()
    ratio: float = dataclasses.field()


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        (
            "ours",
            tinyprop.UserError,
            "method is 'ours', not a training method: pass a class that derives from tinyprop",
        ),
        (int, tinyprop.UserError, "method is <class 'int'>, not a training method"),
        (WithoutSpec, AssertionError, r"WithoutSpec has no spec\(\): define it, as docs/adding/method\.md says\."),
        (
            WithoutDefault,
            AssertionError,
            "WithoutDefault has no default for theta, ratio: give it one, or pass an object",
        ),
    ],
)
def test_what_is_no_method_at_all_is_told_in_a_sentence(given: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        check_method(given)
