"""Frama-C's EVA, an abstract interpreter of C, finds nothing undefined in exported projects: no access outside an
object or to memory never written, no signed overflow, no shift or conversion out of range, no division by zero.

Two claims. For EVERY sample, label, learning rate and weight, finite or not, where a method computes every value
(`any_step.c`). For the steps that each project replays in its self-test, where kernels run along lists of what is kept,
whose invariants EVA cannot find by itself: there it executes the very steps, and checks them.
NaN and infinity are values here (-warn-special-float none), as IEEE 754 and the engine have them."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tinyprop.codegen.sound import sound_sources
from tinyprop.features import FEATURES
from tinyprop.ir.ops import AvgPool2d, Conv2d, Dense, MaxPool2d, ReLU, Reshape, ScaleShift

pytestmark = pytest.mark.skipif(shutil.which("frama-c") is None, reason="frama-c not installed")

ANY_STEP = Path(__file__).parent / "c" / "any_step.c"
NEAR = {"kernel": (3, 3), "padding": (1, 1)}
# The convolutions that have kernels of their own, on maps as small as the analysis is quick.
SMALL = {
    "unpooled": (
        (1, 3, 3),
        (
            *(Conv2d(1, 2, **NEAR), ReLU(), Conv2d(2, 2, **NEAR, stride=(2, 2), groups=2), ReLU()),
            *(Conv2d(2, 2, (2, 2), padding=(1, 0), trailing=(0, 1), groups=2), ReLU()),
            *(Conv2d(2, 3, (1, 1)), ReLU(), AvgPool2d((2, 2), (1, 1)), Reshape(), Dense(3, 2)),
        ),
    ),
    # Batch norms on the sample, with nothing below that trains; between layers; frozen.
    "scaled": (
        (2, 3, 3),
        (
            *(ScaleShift(2, 1e-5), Conv2d(2, 3, (2, 2), bias=False), ScaleShift(3, 1e-3), ReLU(), Conv2d(3, 2, (1, 1))),
            *(ScaleShift(2, 1e-5, trains=False), ReLU(), Reshape(), ScaleShift(8, 1e-5, bias=False), Dense(8, 3)),
        ),
    ),
    "blocked": (
        (1, 5, 4),
        (
            *(Conv2d(1, 3, **NEAR), ReLU(), MaxPool2d((2, 2), (2, 2)), Conv2d(3, 2, (2, 2)), ReLU()),
            *(Reshape(), Dense(2, 3)),
        ),
    ),
}


@pytest.fixture
def exported(networks, network_of, tmp_path):
    """exported(name, method) → folder of the project."""

    def export(name, method):
        network = network_of(name, *SMALL[name]) if name in SMALL else networks[name]
        return network.train(method, kernels="size").export(tmp_path / name)

    return export


def reached_sources(folder):
    """The program's own files, and of the engine those whose function they call, directly or not: EVA analyses no other
    and takes long to read them. It warns where one is missing. Features of sound call all that is there."""
    # Of the ports this computer's, of the examples the self-test.
    paths = [path for path in folder.rglob("*.c") if path.name not in ("cortex_m.c", "field.c")]
    engine = {path.stem: path for path in paths if path.parent.parent.name == "engine"}
    if "tp_api" not in engine:
        return sorted(map(str, paths))
    reached = [*(path for path in paths if path not in engine.values()), engine["tp_api"]]
    for path in reached:  # which grows meanwhile
        called = set(re.findall(r"\b(tp_\w+)\(", path.read_text()))
        reached += [engine[name] for name in sorted(called & set(engine)) if engine[name] not in reached]
    return sorted(map(str, reached))  # whole paths: frama-c does not look at its own cwd


def eva(folder, *options):
    """The analysis's closing words on the program in `folder`, which starts at main."""
    sources = reached_sources(folder)
    command = ["frama-c", "-eva", "-main", "main", "-warn-special-float", "none", "-eva-split-return", "full"]
    preprocess = f"-cpp-extra-args=-I{folder} -I{folder}/engine/include"
    run = subprocess.run([*command, *options, preprocess, *sources], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    silent = r"No errors or warnings raised during the analysis|by the Eva analyzer: +0 errors +0 warnings"
    assert re.search(silent, run.stdout), run.stdout[-3000:]
    return run.stdout


def alarms(printed):
    return re.findall(r"\[eva:alarm\].*\n.*\n?", printed)


ANY = ("-eva-slevel", "20", "-eva-min-loop-unroll", "100")
ANY_SAMPLES = ("-eva-slevel", "2000", "-eva-min-loop-unroll", "2000")
EXACT = ("-eva-slevel", "1000", "-eva-slevel-function", "crc32_of_weights:0")


@pytest.fixture
def with_any_step(exported):
    """with_any_step(name) → a project that trains every value, whose main takes any step."""

    def export(name):
        folder = exported(name, "full")
        shutil.copy(ANY_STEP, folder / "main.c")
        names = f"#define NETWORK {name}\ntypedef {name}_memory network_memory;\n"
        sizes = f"#define INPUTS {name.upper()}_INPUTS\n#define OUTPUTS {name.upper()}_OUTPUTS\n"
        (folder / "network_under_test.h").write_text(f'#include "{name}.h"\n{names}{sizes}')
        return folder

    return export


def assert_clean(printed):
    assert alarms(printed) == []
    assert "0 alarms generated by the analysis." in printed


@pytest.mark.parametrize("name", ["mlp", "strided", "activated", "unpooled", "scaled"])
def test_no_sample_and_no_weight_makes_a_step_do_anything_undefined(with_any_step, name):
    assert_clean(eva(with_any_step(name), *ANY))


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *(("mlp", "tinyprop_v2"), ("mlp", "memorised_top_k"), ("blocked", "tinyprop_v2")),
        *(("unpooled", "ours"), ("scaled", "ours")),
    ],
)
def test_the_self_test_of_a_project_does_nothing_undefined(exported, name, method):
    assert_clean(eva(exported(name, method), *EXACT))


@pytest.mark.parametrize("claim", ["any", "exact"])
def test_eva_sees_one_value_too_many(exported, with_any_step, claim):
    """The analysis can fail. Only behind the last of the replayed samples is nothing: it comes as far as that."""
    folder = with_any_step("mlp") if claim == "any" else exported("mlp", "tinyprop_v2")
    kernel = folder / "engine" / "src" / "tp_all_finite_f32.c"
    text = kernel.read_text()
    kernel.write_text(text.replace("i < size", "i <= size"))
    assert kernel.read_text() != text
    found = alarms(eva(folder, *(ANY if claim == "any" else EXACT)))
    assert any("tp_all_finite_f32.c" in alarm and "valid_read" in alarm for alarm in found)


ANY_FRAME = """\
/* SPDX-License-Identifier: Apache-2.0 */
#include "ear.h"

extern volatile int16_t any;
static int16_t samples[EAR_FRAME];
static float values[EAR_VALUES], scratch[EAR_SCRATCH];

int main(void)
{
    for (uint32_t i = 0U; i < EAR_FRAME; ++i) {
        samples[i] = any;
    }
    ear_frame(samples, values, scratch);
    return values[0] > 0.0f;
}
"""


def with_any_frame(features, folder):
    """A project whose main computes features of any samples at all; of the engine, only what it calls."""
    tree = sound_sources(features, "ear", "size")
    kept = {path: text for path, text in tree.files.items() if path in tree.sources or path.endswith(".h")}
    replace(tree, files={**kept, "main.c": ANY_FRAME}).write(folder)
    return folder


@pytest.mark.parametrize("name", ["mfcc", "dcase2020"])
def test_no_sample_makes_a_frame_of_sound_do_anything_undefined(tmp_path, name):
    """Magnitudes are left out, because EVA does not see tp_sqrtf's loop to end."""
    assert_clean(eva(with_any_frame(FEATURES[name], tmp_path), *ANY_SAMPLES))


def test_eva_sees_a_scratch_that_is_too_small(tmp_path):
    folder = with_any_frame(FEATURES["mfcc"], tmp_path)
    main = folder / "main.c"
    main.write_text(main.read_text().replace("scratch[EAR_SCRATCH]", "scratch[EAR_SCRATCH - 1U]"))
    assert any("valid" in alarm for alarm in alarms(eva(folder, *ANY_SAMPLES)))
