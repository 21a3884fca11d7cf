"""The verifier sees every kind of broken program."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from tinyprop.errors import InternalError
from tinyprop.ir.graph import Value, frozen_array
from tinyprop.ir.ops import Dense, ReLU, Reshape
from tinyprop.ir.verify import verify


@pytest.fixture
def program(chain):
    return chain((2, 3), Reshape(), Dense(6, 4), ReLU(), Dense(4, 2))


def with_node(program, index, **changes):
    nodes = list(program.nodes)
    nodes[index] = replace(nodes[index], **changes)
    return replace(program, nodes=tuple(nodes))


def with_parameter(program, name, array):
    return replace(program, parameters=MappingProxyType({**program.parameters, name: array}))


def test_a_good_program_passes(program) -> None:
    verify(program)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda p: replace(p, name="two words"), "'two words' is not a C identifier"),
        (lambda p: with_node(p, 2, name=p.nodes[1].name), "same name"),
        (lambda p: replace(p, output=Value("elsewhere", (2,))), "not among its values"),
        (lambda p: with_node(p, 3, inputs=("v1",)), "nobody reads v2"),
        (lambda p: with_node(p, 1, inputs=("v3",)), "reads 'v3', which is not written before it"),
        (lambda p: with_node(p, 3, output="v2"), "not exactly the input and one per node"),
        (lambda p: replace(p, nodes=p.nodes[:-1]), "not exactly the input and one per node"),
        (lambda p: with_node(p, 1, op=Dense(5, 4)), "a dense layer of 5 inputs was given shape"),
        (lambda p: with_node(p, 1, op=Dense(6, 3)), "writes shape (3,) into a value of shape (4,)"),
        (lambda p: with_node(p, 1, op=Dense(6, 4, bias=False)), "needs parameters of shapes ((4, 6),)"),
        (lambda p: with_node(p, 1, parameters=("1.weight",)), "the nodes use parameters"),
        (lambda p: with_parameter(p, "spare", frozen_array(np.zeros(2))), "the nodes use parameters"),
        (lambda p: with_parameter(p, "1.bias", np.zeros(4, np.float32)), "'1.bias' is not a finite, read-only"),
        (lambda p: with_parameter(p, "1.bias", frozen_array([0, 0, np.nan, 0])), "'1.bias' is not a finite"),
    ],
)
def test_a_broken_program_is_refused(program, broken, message) -> None:
    with pytest.raises(InternalError) as caught:
        verify(broken(program))
    assert message in str(caught.value)
