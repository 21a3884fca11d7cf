"""What docs/tutorial-keyword.md shows is what happens, the sketch included."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial-keyword.md").read_text(encoding="utf-8")
STAND_INS = ROOT / "tests" / "engine" / "c" / "stand_ins" / "arduino"
# A microphone that plays standard input, label and samples clip by clip; words are told at the end of each clip.
MICROPHONE = """
#include <Arduino.h>
#include <keywords.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int16_t label, clip[16000];
static unsigned at = sizeof clip;

bool next_samples(int16_t *fresh, uint32_t count)
{
    if (at + count > 16000U) {
        at = 0U;
        if (fread(&label, 2U, 1U, stdin) != 1U || fread(clip, 2U, 16000U, stdin) != 16000U) {
            exit(0);
        }
    }
    memcpy(fresh, clip + at, count * sizeof *fresh);
    at += count;
    return true;
}

int word_that_was_meant()
{
    return at + 320U > 16000U ? label : -1;
}

extern "C" int __real_tp_train_step(tp_model *, const float *, uint32_t, float, tp_step *);
extern "C" int __wrap_tp_train_step(tp_model *model, const float *x, uint32_t word, float rate, tp_step *step)
{
    const int status = __real_tp_train_step(model, x, word, rate, step);
    printf("%u %u\\n", (unsigned)word, (unsigned)step->predicted);
    return status;
}

int main()
{
    setup();
    for (;;) {
        loop();
    }
}
"""


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """All names of the page's Python, run in a folder of its own; `printed`: what it printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    printed = []
    defined = {"print": lambda text: printed.append(text), "printed": printed, "here": folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for snippet in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
            exec(snippet, defined)  # the whole point: the text itself
    return defined


def test_the_model_learns_the_voice_under_every_method(names):
    rows = [re.match(r"(\w+) +(\d+) % -> +(\d+) %  backward effort ([\d.]+), ", line) for line in names["printed"]]
    assert [row[1] for row in rows] == ["full", "last_layers", "tinyprop_v2", "ours"]
    before, after = ([int(row[number]) for row in rows] for number in (2, 3))
    assert max(before) < 80  # or there would be nothing to learn
    assert min(after[0], after[2], after[3]) >= before[0] + 15
    assert float(rows[2][4]) < float(rows[0][4]) == 1


def test_the_count_to_set_beside_a_boards_is_what_its_page_says(names):
    page = (ROOT / "docs" / "measured-on-hardware.md").read_text(encoding="utf-8")
    [snippet] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    before = len(names["printed"])
    exec(snippet, names)
    [mean] = names["printed"][before:]
    assert mean > 10_000
    assert not re.search(r"^\| *\d", page, re.MULTILINE)  # a row needs a measurement: until then there is none


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ not installed")
def test_the_sketch_learns_the_voice(names):
    [sketch] = re.findall(r"```cpp\n(.*?)```", PAGE, re.DOTALL)
    folder = names["here"]
    (folder / "sketch.ino.cpp").write_text(f"#include <Arduino.h>\n{sketch}")
    (folder / "microphone.cpp").write_text(MICROPHONE)
    core = (STAND_INS / "core.cpp").read_text().partition("int main()")[0]
    (folder / "core.cpp").write_text(core)
    includes = (f"-I{STAND_INS}", "-Ikeywords/src", "-DARDUINO=10819", "-Os")
    objects = []
    sources = [*folder.glob("keywords/src/*.c"), *folder.glob("keywords/src/*.cpp"), *folder.glob("*.cpp")]
    for number, source in enumerate(sources):
        command = ["gcc", "-std=gnu11"] if source.suffix == ".c" else ["g++", "-std=gnu++17", "-fno-exceptions"]
        objects.append(f"{number}.o")
        subprocess.run([*command, *includes, "-c", source, "-o", objects[-1]], cwd=folder, check=True)
    subprocess.run(["g++", *objects, "-Wl,--wrap=tp_train_step", "-o", "board"], cwd=folder, check=True)
    clips, words = names["my_clips"], names["my_words"]
    order = [*range(60)] * 3 + [*range(60, 120)]
    told = b"".join(np.int16(words[i]).tobytes() + clips[i].astype("<i2").tobytes() for i in order)
    run = subprocess.run([folder / "board"], cwd=folder, input=told, capture_output=True, check=True)
    steps = np.array([line.split() for line in run.stdout.split(b"\n") if line], int)
    right = steps[:, 0] == steps[:, 1]
    assert len(steps) == len(order)
    assert right[-60:].mean() >= right[:30].mean() + 0.15
