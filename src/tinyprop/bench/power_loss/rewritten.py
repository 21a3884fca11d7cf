"""How much of a slot a save has to write, when some steps of a method lie between two saves.

scikit-learn's digits, three classes of which are new (a stand-in, not a benchmark), learned without momentum, which
would move every weight in every step.
"""

import numpy as np

from tinyprop.bench.digits import new_classes
from tinyprop.bench.power_loss.records import Rewritten
from tinyprop.checkpoint import encode
from tinyprop.ir.graph import Program
from tinyprop.surface import Network

METHODS = ("full_zero_skip", "tinyprop_v2", "ours")
STEPS = (1, 10, 100, 1000)
BLOCKS = (4096, 128, 4)  # bytes; of four, FRAM
RATE, EPOCHS_BEFORE, SAVES = 0.01, 5, 20


def rewritten(program: Program) -> tuple[Rewritten, ...]:
    """A row per method and number of steps; `program` takes 64 values and tells ten classes."""
    return tuple(row for method in METHODS for row in _rows(Network(program), method))


def _rows(network: Network, method: str) -> list[Rewritten]:
    scenario = new_classes()
    rows = []
    with network.train(method).build("host") as engine:
        pretrain = scenario.pretrain.x.reshape(-1, 64)
        engine.fit(pretrain, scenario.pretrain.y, epochs=EPOCHS_BEFORE, lr=RATE, seed=0, progress=False)
        field = np.random.default_rng(1).permutation(len(scenario.field))
        for steps in STEPS:
            before, shares = encode(engine.checkpoint()), []
            for save in range(SAVES if steps < STEPS[-1] else 1):
                taken = np.take(field, np.arange(save * steps, (save + 1) * steps), mode="wrap")
                engine.fit(scenario.field.x.reshape(-1, 64)[taken], scenario.field.y[taken], lr=RATE, progress=False)
                after = encode(engine.checkpoint())
                shares.append([_share(before, after, block) for block in BLOCKS])
                before = after
            means = [round(float(np.mean(column)), 4) for column in zip(*shares, strict=True)]
            rows.append(Rewritten(method, steps, dict(zip(map(str, BLOCKS), means, strict=True))))
    return rows


def _share(before: bytes, after: bytes, block: int) -> float:
    """Of the blocks of a slot, how many differ; the first always does, because a save has a number."""
    starts = range(0, len(after), block)
    changed = sum(before[at : at + block] != after[at : at + block] for at in starts[1:])
    return (1 + changed) / len(starts)
