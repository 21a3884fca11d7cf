"""Whatever a flash holds, loading and saving do nothing undefined and never load half of something."""

import re

import pytest

from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense, ReLU
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network

NETWORK = Network(chain("fuzzed", (6,), (Dense(6, 5), ReLU(), Dense(5, 3))))
CHECKPOINT = "engine/src/tp_checkpoint.c"


def sources():
    return NETWORK.train("ours", optimizer=SGD(momentum=0.9)).sources


def test_any_flash(fuzz):
    said = fuzz(sources(), "checkpoint")
    [runs] = re.findall(r"Done (\d+) runs", said)
    assert int(runs) > 1000


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c->extra, c->extra_bytes, 0U);", "c->extra, c->extra_bytes + 1U, 0U);"),
        ("tp_least(TP_PIECE, end - at);", "TP_PIECE;"),
    ],
)
def test_a_step_outside_is_found(fuzz, old, new):
    tree = sources()
    assert old in tree.files[CHECKPOINT]
    files = {**tree.files, CHECKPOINT: tree.files[CHECKPOINT].replace(old, new)}
    with pytest.raises(AssertionError):
        fuzz(type(tree)(tree.name, files, tree.sources, tree.include_dirs), "checkpoint", searches=False)
