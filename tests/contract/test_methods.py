"""What holds for every row of METHODS; a new method is tested by being in the table."""

import dataclasses
import inspect
from pathlib import Path

import pytest

import tinyprop.errors
import tinyprop.methods
import tinyprop.testing
from tinyprop.codegen.rule_calls import without_twins
from tinyprop.methods import METHODS, LayerInfo, Method, method_named

ENGINE = Path(tinyprop.errors.__file__).parent / "engine"
LAYERS = (
    LayerInfo("a", 300, 2000, macs=(2000, 0)),
    LayerInfo("b", 40, 900, macs=(900, 900)),
    LayerInfo("c", 20, 500, macs=(500, 500)),
    LayerInfo("output", 10, 110, macs=(110, 110)),
)

pytestmark = pytest.mark.parametrize("method", [method_named(name) for name in METHODS], ids=list(METHODS))


def test_keeps_the_contract_and_trains_in_the_engine_as_in_python(method: Method) -> None:
    assert not without_twins(method.spec(LAYERS))
    tinyprop.testing.check_method(method)


def test_is_a_final_record_in_a_file_of_its_name(method: Method) -> None:
    kind = type(method)
    assert METHODS[method.name] is kind
    assert Path(inspect.getfile(kind)).stem == method.name
    assert getattr(tinyprop.methods, kind.__name__) is getattr(tinyprop, kind.__name__) is kind
    assert not kind.__subclasses__()


def test_explains_itself(method: Method) -> None:
    text = inspect.getdoc(type(method)) or ""
    pseudo_code, source, difference = (text.find(mark) for mark in ("\n    forward", "\nSource:", "\nDiffers from the"))
    assert 0 < pseudo_code < source < difference
    for setting in dataclasses.fields(method):
        assert f"{setting.name}:" in text or f"{setting.name} ≤" in text


def test_its_rules_have_twins_in_the_engine(method: Method) -> None:
    spec = method.spec(LAYERS)
    declared = (ENGINE / "include" / "tp_kernels.h").read_text()
    for rule in (spec.skip, *spec.selections):
        if rule is not None and rule.c_function:
            assert (ENGINE / "src" / f"{rule.c_function}.c").exists()
            assert f" {rule.c_function}(" in declared


def test_its_settings_are_no_words_of_the_search(method: Method) -> None:
    assert not {"rate", "trainable"} & {setting.name for setting in dataclasses.fields(method)}
