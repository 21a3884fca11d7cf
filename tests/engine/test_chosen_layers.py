"""What was chosen once, before training: the engine trains that and nothing else, bit for bit as the oracle does."""

import shutil

import numpy as np
import pytest

from tinyprop.codegen.layout import weight_hash
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.methods import SparseUpdate, TinyTrain

HOST_TOOLCHAIN = "gcc" if shutil.which("gcc") else "zig"
# Weights without their bias, a bias without its weights, a layer that only lets the error pass.
METHODS = {
    "weights below a bias": SparseUpdate(weights=2, biases=1),
    "weights alone": SparseUpdate(weights=3, biases=0),
    "a gap": TinyTrain(layers=2),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["mlp", "pooled", "strided", "separable", "normalised"])
def test_the_engine_trains_what_was_chosen(networks, name, method):
    network = networks[name]
    trainer = network.train(METHODS[method], kernels="size")
    rng = np.random.default_rng(4)
    x = rng.standard_normal((6, *network.program.input.shape)).astype(np.float32)
    y = rng.integers(0, network.program.output.size, 6)
    oracle = OracleTrainer(trainer.train_program)
    expected = oracle.fit(x, y, 0.05)
    with trainer.build("host", HOST_TOOLCHAIN) as engine:
        trace = engine.fit(x, y, lr=0.05, progress=False)
        after = engine.weights()
    assert weight_hash(after) == weight_hash(oracle.parameters)
    for column in ("loss", "kept", "macs_forward", "macs_backward"):
        np.testing.assert_array_equal(getattr(trace, column), getattr(expected, column))
    before, spec = trainer.train_program.program.parameters, trainer.train_program.spec
    layers = zip(trainer.train_program.program.layers, spec.selections, strict=True)
    learns = [key for node, rule in layers if rule for key in node.trained if key not in spec.frozen]
    assert [key for key in before if (after[key] != before[key]).any()] == learns
    assert trainer.memory.weights == 4 * sum(before[key].size for key in learns)
