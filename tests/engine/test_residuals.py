"""What `memorised_top_k` remembers in the engine: planned, equal to the oracle's, saved, and gone on with."""

import numpy as np

from tinyprop.checkpoint import values_of
from tinyprop.codegen.state import state_layout
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Conv2d, Dense, MaxPool2d, ReLU, Reshape
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.methods import MemorisedTopK, TopK
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network

OPS = (Conv2d(1, 6, (3, 3)), ReLU(), MaxPool2d((2, 2), (2, 2)), Conv2d(6, 5, (2, 2)), ReLU(), Reshape(), Dense(30, 3))
NETWORK = Network(chain("remembers", (1, 8, 10), OPS))
ENTRIES = {"first": 6 * 3 * 4, "second": 5 * 2 * 3}
X = np.random.default_rng(0).normal(size=(20, 1, 8, 10)).astype(np.float32)
Y = np.arange(20) % 3


def test_a_float_for_each_stored_entry_of_a_layer_that_selects() -> None:
    below = NETWORK.train(TopK(0.05)).memory
    assert NETWORK.train(MemorisedTopK(0.05)).memory.state == below.state + 4 * sum(ENTRIES.values())
    # Behind the pool 0.1 of all outputs is over 3/8 of those that won: all is kept, and nothing is left to remember.
    assert [*NETWORK.train(MemorisedTopK(0.1)).train_program.residuals.values()] == [ENTRIES["second"]]
    assert NETWORK.train(MemorisedTopK(0.4)).memory.state == below.state
    identities = {state_layout(NETWORK.train(MemorisedTopK(r)).train_program).identity for r in (0.05, 0.06, 0.1)}
    assert len(identities) == 2


def test_it_is_the_oracles_and_goes_with_the_checkpoint() -> None:
    trainer = NETWORK.train(MemorisedTopK(0.05, 0.9), optimizer=SGD(momentum=0.5))
    layout, oracle = state_layout(trainer.train_program), OracleTrainer(trainer.train_program)
    oracle.fit(X, Y, 0.05)
    with trainer.build("host") as engine, trainer.build("host") as other:
        assert engine.facts.memory_bytes == trainer.memory.model
        engine.fit(X, Y, lr=0.05, progress=False)
        saved = engine.checkpoint()
        left = values_of(saved, layout).residuals
        assert [array.size for array in left.values()] == [*ENTRIES.values()]
        assert all(array.any() for array in left.values())
        own = [state.residual for state in oracle._layer_states[:2]]
        assert [array.tobytes() for array in left.values()] == own
        other.restore(saved)
        for one in (engine, other):
            one.fit(X, Y, lr=0.05, progress=False)
        assert np.array_equal(engine.checkpoint().state, other.checkpoint().state)
        engine.reset()
        assert not any(array.any() for array in values_of(engine.checkpoint(), layout).residuals.values())
