"""Where the bias learns alone, its own kernels give it the bits that the update of the whole layer gives it."""

import shutil

import numpy as np
import pytest

from tinyprop.methods import Full, Ours

GEOMETRIES = ("mlp", "pooled", "strided", "overlapping", "separable", "grouped", "activated", "normalised")
METHODS = {
    "full": Full(),
    "ours": Ours(drop=0.6, carry=0.6, tau=0.05),
}  # of the sample below, some of every layer is kept
HOST_TOOLCHAIN = "gcc" if shutil.which("gcc") else "zig"


@pytest.mark.parametrize(
    ("name", "method"),
    [*((name, "full") for name in GEOMETRIES), ("pooled", "ours"), ("separable", "ours"), ("normalised", "ours")],
)
def test_one_step_gives_every_bias_the_same_bits(networks, name, method):
    """One step: afterwards, weights that learned make other errors. Layers without a bias learn both times, so that the
    method selects from the same layers."""
    network = networks[name]
    before = network.program.parameters
    trained = [key for node in network.program.layers for key in node.trained]
    bare = [key for key in trained if key.endswith("weight") and key.replace("weight", "bias") not in before]
    x = np.random.default_rng(3).standard_normal((1, *network.program.input.shape)).astype(np.float32)
    after = {}
    for trainable in ("all", ("biases", *bare)):
        trainer = network.train(METHODS[method], kernels="size", trainable=trainable)
        with trainer.build("host", HOST_TOOLCHAIN) as engine:
            engine.fit(x, np.array([1]), lr=0.1)
            after[trainable] = engine.weights()
    alone, whole = after[("biases", *bare)], after["all"]
    for key in before:
        learns = key in trained and (key.endswith("bias") or key in bare)
        np.testing.assert_array_equal(alone[key], whole[key] if learns else before[key], err_msg=key, strict=True)
        assert not learns or (whole[key] != before[key]).any()
