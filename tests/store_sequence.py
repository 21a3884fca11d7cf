"""One sequence of calls to a store, as C on an emulated board and as its twin, and all that it answers in one hash."""

from collections.abc import Sequence

import numpy as np

from store_in_c import FORMAT, NOT_STORED, ROUND_OVER, bits
from tinyprop import SampleStore
from tinyprop.bench.kernels.workbench import Piece, workbench
from tinyprop.codegen.generate import engine_files
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.targets import load_board

SETTINGS = {"capacity": 24, "input_shape": 5, "classes": 300, "low": -1, "high": 1, "seed": 77, "longest_sleep": 3}
IN_RAM = (
    '#include "tp_buffer.h"\n#include <string.h>',
    "static uint32_t memory[TP_BUFFER_BYTES(24U, 5U, 300U, FORMAT) / 4U];\n"
    "hash = (hash ^ (uint32_t)tp_buffer_init(&store, &settings, memory, sizeof memory)) * 0x01000193U;",
)

# One sequence on a board: offers of a skewed stream, rounds in between, everything that comes back hashed.
SEQUENCE = """\
static const tp_buffer_settings settings = {24U, 5U, 300U, FORMAT, -1.0f, 1.0f, 3U, 77U};
tp_buffer store = {0};
uint32_t hash = 0x811C9DC5U, seed = 1U;
float x[5];
OPEN
for (uint32_t i = 0U; i < 400U; ++i) {
    for (uint32_t j = 0U; j < 5U; ++j) {
        seed = seed * 1664525U + 1013904223U;
        x[j] = (float)(seed >> 8) * (1.0f / 8388608.0f) - 1.0f;
    }
    seed = seed * 1664525U + 1013904223U;
    const uint32_t label = seed >> 30 != 0U ? seed >> 29 & 1U : seed >> 24 & 0xFFU;
    hash = (hash ^ (uint32_t)tp_buffer_offer(&store, x, label)) * 0x01000193U;
    if (i % 16U == 0U) {
        int32_t slot;
        uint32_t taken = 0U;
        while ((slot = tp_buffer_next(&store, x, &taken)) >= 0) {
            hash = (hash ^ (uint32_t)slot ^ taken << 16) * 0x01000193U;
            for (uint32_t j = 0U; j < 5U; ++j) {
                uint32_t word;
                memcpy(&word, x + j, sizeof word);
                hash = (hash ^ word) * 0x01000193U;
            }
            hash = (hash ^ (uint32_t)tp_buffer_told(&store, (uint32_t)slot, (int)(taken & 1U))) * 0x01000193U;
        }
        hash = (hash ^ (uint32_t)slot) * 0x01000193U;
    }
}
hash = (hash ^ store.state->visits ^ store.state->slept << 16) * 0x01000193U;
out[0] = (float)(hash >> 16);
out[1] = (float)(hash & 0xFFFFU);
"""


def expected_hash(store: SampleStore) -> int:
    """What the sequence comes to, told by the twin, of SETTINGS."""
    seed, hashed = 1, 0x811C9DC5

    def mix(word: int) -> None:
        nonlocal hashed
        hashed = (hashed ^ word & 0xFFFFFFFF) * 0x01000193 & 0xFFFFFFFF

    def drawn() -> int:
        nonlocal seed
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        return seed

    mix(0)
    for i in range(400):
        x = np.array([drawn() >> 8 for _ in range(5)], np.float32) * np.float32(1 / 8388608) - np.float32(1)
        word = drawn()
        slot = store.offer(x, word >> 29 & 1 if word >> 30 else word >> 24 & 0xFF)
        mix(NOT_STORED if slot is None else slot)
        if i % 16 == 0:
            while (taken := store.next_awake()) is not None:
                mix(taken[0] ^ taken[2] << 16)
                for value in bits(taken[1]):
                    mix(value)
                store.told(taken[0], bool(taken[2] & 1))
                mix(0)
            mix(ROUND_OVER)
    assert store.slept > 100
    assert store.visits > 200
    mix(store.visits ^ store.slept << 16)
    return hashed


def on_board(board: str, toolchain: str, width: int, head: str, opening: str, sources: Sequence[str]) -> int:
    """The sequence's hash. head: C before it; opening: what makes `store` ready, in FORMAT; sources: of the engine."""
    tree = SourceTree("store", engine_files(), tuple(f"engine/src/{name}.c" for name in sources), ())
    text = SEQUENCE.replace("OPEN", opening).replace("FORMAT", f"{FORMAT[width]}U")
    head = head.replace("FORMAT", f"{FORMAT[width]}U")
    with workbench([Piece({"out": (2,)}, text)], load_board(board), toolchain, head, tree) as bench:
        high, low = bench.run(0, {})[1]["out"].tolist()
    return int(high) << 16 | int(low)
