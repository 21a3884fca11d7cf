"""The C API refuses every mistake with its documented code and leaves weights and method state as they were."""

import pytest

from battery.sanitizers import sanitized


@pytest.mark.parametrize(("name", "method"), [("mlp", "tinyprop_v2"), ("pooled", "ours"), ("overlapping", "full")])
def test_mistakes_are_refused_and_change_nothing(networks, gcc, c_program, run, name, method):
    tree = networks[name].train(method, kernels="size").sources
    assert run(c_program(tree, "api_errors.c", gcc(*sanitized("size")))) == ""


@pytest.mark.parametrize(("name", "method"), [("mlp", "tinyprop_v2"), ("pooled", "ours")])
def test_targets_are_learned_and_wrong_ones_change_nothing(networks, gcc, c_program, run, name, method):
    tree = networks[name].train(method, "mse", kernels="size").sources
    assert run(c_program(tree, "target_errors.c", gcc(*sanitized("size")))) == ""
