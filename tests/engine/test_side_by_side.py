"""Several networks, and several models of one network, live in one program."""

from dataclasses import replace

import pytest


@pytest.mark.parametrize("kernels", ["inline", "size"])
def test_models_in_one_program_do_not_know_of_each_other(networks, gcc, c_program, run, kernels):
    mlp, strided = (networks[name].train("tinyprop_v2", kernels=kernels).sources for name in ("mlp", "strided"))
    sources = tuple(dict.fromkeys((*mlp.sources, *strided.sources)))
    both = replace(mlp, files={**mlp.files, **strided.files}, sources=sources)
    assert run(c_program(both, "side_by_side.c", gcc("-O1"))) == "independent\n"
