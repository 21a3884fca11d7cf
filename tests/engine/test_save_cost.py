"""What a save and a load cost the core, in instructions per byte, is what docs/checkpoints.md says."""

import re
import shutil
from pathlib import Path

import pytest

from tinyprop.bench.kernels.workbench import Piece, workbench
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense, ReLU
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network
from tinyprop.targets import load_board

DOCS = (Path(__file__).parents[2] / "docs" / "checkpoints.md").read_text()
DRIVER = """\
#include "saved.h"
#include "tp_checkpoint.h"
#include <string.h>
void act(uint32_t what);
static uint8_t bytes[32768];
static int read(void *c, uint32_t at, void *to, uint32_t n) { (void)c; memcpy(to, bytes + at, n); return 0; }
static int program(void *c, uint32_t at, const void *p, uint32_t n) { (void)c; memcpy(bytes + at, p, n); return 0; }
static int erase(void *c, uint32_t at) { (void)c; memset(bytes + at, 0xFF, 512U); return 0; }
static saved_memory memory;
static tp_model model;
static const tp_flash flash = {NULL, 512U, 8U, read, program, erase, NULL};
static const tp_checkpoint checkpoint = {&flash, 0U, 2U, NULL, 0U};
void act(uint32_t what)
{
    if (what == 0U) {
        (void)tp_init(&model, &saved, &memory, sizeof memory);
    } else if (what == 1U) {
        memory.parameters[0] += 0.5f;
        (void)tp_save(&checkpoint, &model, 1U);
    } else {
        (void)tp_load(&checkpoint, &model, NULL);
    }
}
"""
SAVE, LOAD = 1, 2


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_instructions_per_byte(toolchain):
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc not installed")
    network = Network(chain("saved", (40,), (Dense(40, 16), ReLU(), Dense(16, 5))))
    tree = network.train("tinyprop_v2", optimizer=SGD(momentum=0.5)).sources
    sources = tuple(path for path in tree.sources if path != "engine/src/tp_api.c")  # the workbench has it
    library = SourceTree(tree.name, {**tree.files, "act.c": DRIVER}, (*sources, "act.c"), tree.include_dirs)
    piece = Piece({"none": (1,)}, "act(kept);")
    [size] = [int(words) for words in re.findall(r"SAVED_STATE_WORDS (\d+)U", tree.files["saved.h"])]
    with workbench(
        [piece], load_board("nano33ble"), toolchain, "#include <stdint.h>\nvoid act(uint32_t);", library
    ) as bench:
        bench.run(0, {}, 0)
        cost = {
            what: bench.run(0, {}, what)[0].instructions / (32 + 4 * size) for what in (SAVE, SAVE, SAVE, SAVE, LOAD)
        }
    [most_to_save, most_to_load] = re.findall(r"at most (\d+) instructions a byte", DOCS)
    assert 0.8 * int(most_to_save) < cost[SAVE] <= int(most_to_save)
    assert 0.8 * int(most_to_load) < cost[LOAD] <= int(most_to_load)
