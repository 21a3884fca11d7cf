"""What holds for every row of METHODS; a new method is tested by being in the table."""

import dataclasses
import inspect
import itertools
from pathlib import Path

import numpy as np
import pytest

import tinyprop.errors
import tinyprop.methods
from tinyprop.methods import METHODS, LayerInfo, Method, method_named
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.rule import LayerState

ENGINE = Path(tinyprop.errors.__file__).parent / "engine"
LAYERS = (LayerInfo("a", 300, 2000), LayerInfo("b", 40, 900), LayerInfo("c", 20, 500), LayerInfo("output", 10, 110))

pytestmark = pytest.mark.parametrize("method", [method_named(name) for name in METHODS], ids=list(METHODS))


def test_is_a_final_frozen_record_in_a_file_of_its_name(method: Method) -> None:
    kind = type(method)
    assert METHODS[method.name] is kind
    assert Path(inspect.getfile(kind)).stem == method.name
    assert getattr(tinyprop.methods, kind.__name__) is kind
    assert not kind.__subclasses__()
    assert hash(method) == hash(kind())
    with pytest.raises(dataclasses.FrozenInstanceError):
        method.name = "other"  # type: ignore[misc]


def test_explains_itself(method: Method) -> None:
    text = inspect.getdoc(type(method)) or ""
    pseudo_code, source, difference = (text.find(mark) for mark in ("\n    forward", "\nSource:", "\nDiffers from the"))
    assert 0 < pseudo_code < source < difference
    for setting in dataclasses.fields(method):
        assert f"{setting.name}:" in text or f"{setting.name} ≤" in text
    assert method.title
    assert method.summary
    assert "\n" not in method.title + method.summary


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_has_one_selection_per_layer(method: Method, depth: int) -> None:
    spec = method.spec(LAYERS[-depth:])
    assert spec.method == method.name
    assert len(spec.selections) == depth
    assert spec == method.spec(LAYERS[-depth:])
    assert hash(spec) == hash(method.spec(LAYERS[-depth:]))


def test_its_rules_have_twins_in_the_engine(method: Method) -> None:
    spec = method.spec(LAYERS)
    declared = (ENGINE / "include" / "tp_kernels.h").read_text()
    for rule in (spec.skip, *spec.selections):
        if rule is not None and rule.c_function:
            assert (ENGINE / "src" / f"{rule.c_function}.c").exists()
            assert f" {rule.c_function}(" in declared


def test_keeps_some_but_no_zeros_of_a_real_error(method: Method) -> None:
    rng = np.random.default_rng(0)
    for layer, rule in zip(LAYERS, method.spec(LAYERS).selections, strict=True):
        assert rule is not None
        delta = rng.normal(size=layer.n).astype(np.float32) * (rng.random(layer.n) < 0.7)
        before = delta.copy()
        state, selected = rule.select(LayerState(), delta, layer.n, np.arange(layer.n))
        assert selected.kept.any()
        assert selected.kept.all() or not selected.kept[delta == 0].any()
        assert not selected.stop
        assert selected.looks >= (0 if isinstance(rule, KeepAll) else layer.n)
        assert isinstance(state, LayerState)
        np.testing.assert_array_equal(delta, before)


def test_says_where_to_look_for_each_setting(method: Method) -> None:
    settings = [setting.name for setting in dataclasses.fields(method)]
    assert list(method.space) == settings
    assert not {"rate", "trainable"} & set(settings)  # names of what `tinyprop tune` searches besides
    for name, where in method.space.items():
        assert where.low <= getattr(method, name) <= where.high
        assert where.low < where.high
        assert where.low > 0 or not where.log
    for ends in itertools.product(*((where.low, where.high) for where in method.space.values())):
        method_named(method.name, **dict(zip(settings, ends, strict=True)))


def test_skips_no_sample_of_large_error(method: Method) -> None:
    skip = method.spec(LAYERS).skip
    assert not skip.skip(LayerState(), np.float32(2.3), np.float32(1.8))[1]
