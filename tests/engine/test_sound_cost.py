"""What a frame of sound features costs on the emulated board is what docs/audio.md says: instructions are exact."""

from pathlib import Path

import numpy as np
import pytest

from tinyprop.bench.kernels.workbench import Piece, workbench
from tinyprop.codegen.sound import sound_sources
from tinyprop.features import FEATURES, Features
from tinyprop.features.tables import tables_of
from tinyprop.targets import load_board

DOCUMENT = Path(__file__).parents[2] / "docs" / "audio.md"
CALL = "ear_frame(samples, out_y, out_scratch);"


def measured(features: Features) -> str:
    """The row of the table: one call more is one frame more."""
    mel, single = features.mel, getattr(features, "of", features)
    shapes = {"pcm": (mel.frame,), "out_y": (single.values,), "out_scratch": (mel.fft + mel.bands,)}
    given = f"static int16_t samples[{mel.frame}];\nfor (uint32_t i = 0U; i < {mel.frame}U; ++i) {{\n"
    given += "    samples[i] = (int16_t)pcm[i];\n}\n"
    pieces = [Piece(shapes, given + "\n".join([CALL] * calls)) for calls in (1, 2)]
    noise = (np.random.default_rng(0).normal(size=mel.frame) * 3000).astype(np.int16)
    with workbench(pieces, load_board("nano33ble"), "zig", '#include "ear.h"', sound_sources(features, "ear")) as bench:
        (once, first), (twice, _) = (bench.run(number, {"pcm": noise.astype(np.float32)}) for number in (0, 1))
    assert np.isfinite(first["out_y"]).all()
    tables = tables_of(features)
    arrays = (tables.window, tables.twiddles, tables.bands, tables.weights, tables.dct)
    constants = sum(array.nbytes for array in arrays if array is not None)
    scratch = 4 * (mel.fft + (mel.bands if tables.dct is not None else 0))
    instructions, cycles = twice.instructions - once.instructions, twice.cycles - once.cycles
    return f"{instructions:,} | {cycles:,} | {constants:,} | {scratch:,}"


@pytest.mark.parametrize("name", FEATURES)
def test_the_documented_cost_is_the_measured_one(name):
    row = f"| `{name}` | {measured(FEATURES[name])} |"
    assert row in DOCUMENT.read_text(encoding="utf-8").splitlines(), row
