"""Firmware that learns from a store takes the steps of `engine.fit_from_store`, and ends with the same weights."""

import os
import re
import shlex
import shutil
import subprocess

import numpy as np
import pytest

from battery.sanitizers import sanitized
from tinyprop import SampleStore, StoreFlash
from tinyprop.targets.firmware import C_FOLDER
from tinyprop.targets.toolchain import WARNINGS

CAPACITY, OFFERED, ROUNDS = 24, 90, 6
EMULATED_FLASH = {f"emulated_flash.{kind}": (C_FOLDER / f"emulated_flash.{kind}").read_text() for kind in "ch"}


def stream(inputs, outputs):
    """Samples (N, inputs) and classes of the driver: class 0 most of the time."""
    seed, x, y = 1, np.empty((OFFERED, inputs), np.float32), np.empty(OFFERED, np.int64)
    for number in range(OFFERED):
        y[number] = number // 7 % outputs if number % 7 == 0 else 0
        for i in range(inputs):
            seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
            drawn = np.float32(seed >> 8) * np.float32(1 / 8388608) - np.float32(1)
            x[number, i] = drawn * np.float32(0.25) + np.float32(0.75 if i % outputs == y[number] else 0)
    return x, y


@pytest.mark.parametrize("kernels", ["inline", "size"])
@pytest.mark.parametrize("flash", [None, StoreFlash(256, 4, shelves=16)], ids=["in RAM", "in flash"])
@pytest.mark.parametrize("name", ["mlp", "pooled"])
def test_firmware_learns_from_a_store_as_the_host_does(networks, gcc, c_program, run, name, flash, kernels):
    trainer = networks[name].train("ours", kernels=kernels)
    program = c_program(trainer.sources, "store_training.c", gcc(*sanitized(kernels)), EMULATED_FLASH)
    printed = run(program, *([] if flash is None else ["in flash"])).splitlines()
    shape = trainer.train_program.program.input.shape
    store = SampleStore(CAPACITY, shape, 5, bits=8, low=-1, high=1, seed=7, flash=flash)
    x, y = stream(int(np.prod(shape)), 5)
    slots = store.offer_all(x.reshape(-1, *shape), y)
    assert printed[0].split() == ["-22" if slot < 0 else str(slot) for slot in slots]
    with trainer.build("host") as engine:
        training = engine.fit_from_store(store, rounds=ROUNDS, lr=0.1)
        words = engine.parameters().view(np.uint32).tolist()
    rounds = [[pair.split(":") for pair in line.split()] for line in printed[1 : ROUNDS + 1]]
    assert [len(taken) for taken in rounds] == training.visits.tolist()
    assert [int(skipped) for taken in rounds for _, skipped in taken] == training.steps.skipped.tolist()
    assert printed[ROUNDS + 1 :] == [f"{word:08x}" for word in words]
    assert training.slept.sum() > 0


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler called cc")
def test_the_lines_in_the_projects_readme_are_c_that_learns(networks, tmp_path):
    folder = networks["mlp"].train("ours").export(tmp_path / "firmware")
    readme = (folder / "README.md").read_text()
    of_network, of_store = re.findall(r"^    static .*?(?=^\S)", readme, flags=re.MULTILINE | re.DOTALL)
    of_network = of_network.replace("tp_infer(&model, sample, outputs);", "").replace("label", "0U")
    [declared] = re.findall(r"^with `(tp_buffer store; .*?)`", readme, flags=re.MULTILINE)
    main = (
        f'#include "mlp.h"\n#include "tp_buffer.h"\nint main(void)\n{{\nfloat sample[13] = {{0.5f}};\n{of_network}\n'
        f"uint32_t label = 3U;\n{declared}\n{of_store}\nreturn store.state->visits == 1U ? 0 : 1;\n}}\n"
    )
    (folder / "store.c").write_text(main)
    [command] = re.findall(r"^    mkdir -p build && (cc .*) && build/selftest$", readme, flags=re.MULTILINE)
    command = command.replace("main.c", "store.c").replace("build/selftest", "learns")
    subprocess.run([*shlex.split(command), *WARNINGS], cwd=folder, check=True)
    assert subprocess.run([folder / "learns"], check=False).returncode == 0


IN_THE_FIELD = """\
#include "mlp.h"
#include "tp_flash_store.h"
#include "tp_port.h"
#include <stdio.h>
int main(void)
{
    static const tp_buffer_settings settings = {20U, MLP_INPUTS, MLP_OUTPUTS, TP_BUFFER_8_BIT, 0.0f, 1.0f, 15U, 1U};
    static tp_flash_store_settings where = {NULL, 0x4000U, 3U, 1U};
    static uint32_t kept[TP_FLASH_STORE_BYTES(20U, MLP_OUTPUTS, 3U) / 4U];
    static tp_flash_store shelves;
    tp_buffer store;
    const float sample[MLP_INPUTS] = {0.5f};
    where.flash = tp_port_flash();
    const int32_t found = tp_flash_store_open(&shelves, &store, &settings, &where, kept, sizeof kept);
    printf("%d %d\\n", (int)found, (int)tp_buffer_offer(&store, sample, 2U));
    return 0;
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler called cc")
def test_an_exported_project_finds_its_samples_in_its_ports_flash(networks, tmp_path):
    folder = networks["mlp"].train("ours").export(tmp_path / "firmware")
    (folder / "store.c").write_text(IN_THE_FIELD)
    [command] = re.findall(
        r"^    mkdir -p build && (cc .*) && build/selftest$", (folder / "README.md").read_text(), flags=re.MULTILINE
    )
    command = command.replace("main.c", "store.c").replace("build/selftest", "keeps")
    subprocess.run([*shlex.split(command), *WARNINGS], cwd=folder, check=True)
    environment = {**os.environ, "TINYPROP_FLASH": str(tmp_path / "flash.bin")}
    answers = [
        subprocess.run([folder / "keeps"], env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    ]
    assert answers == ["0 0\n", "1 1\n", "2 2\n"]


def test_a_store_that_is_not_called_takes_no_flash(networks):
    """Whether it is compiled beside the network or not, what is left of it in the image is nothing."""
    for kernels in ("inline", "size"):
        tree = networks["mlp"].train("ours", kernels=kernels).sources
        assert {"engine/src/tp_buffer.c", "engine/src/tp_flash_store.c"} <= set(tree.sources)
        with networks["mlp"].train("ours", kernels=kernels).build("nano33ble") as engine:
            assert not [name for _, _, name in engine.firmware.symbols if "tp_buffer" in name or "tp_flash" in name]


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler called cc")
def test_the_lines_about_latents_in_the_readme_learn_as_a_whole_step_does(networks, tmp_path):
    network = networks["mlp"].train("ours", trainable="last_layer", latent=True)
    folder = network.export(tmp_path / "firmware")
    readme = (folder / "README.md").read_text()
    [lines] = re.findall(r"^    float latent\[.*?(?=^\S|\Z)", readme, flags=re.MULTILINE | re.DOTALL)
    size = network.sources.latent_size
    main = (
        f'#include "mlp.h"\n#include <string.h>\nint main(void)\n{{\n'
        f"static mlp_memory memory, other;\nfloat sample[MLP_INPUTS] = {{0.5f}};\nconst uint32_t label = 3U;\n"
        f"tp_model model, whole;\ntp_step step;\ntp_init(&model, &mlp, &memory, sizeof memory);\n"
        f"tp_init(&whole, &mlp, &other, sizeof other);\n{lines.replace('…', '')}\n"
        f"float refused[{size}];\n"
        f"if (tp_train_step(&prefix, sample, 0U, 0.01f, &step) != TP_ERR_LOSS) {{ return 2; }}\n"
        f"if (tp_train_step(&behind, latent, MLP_OUTPUTS, 0.01f, &step) != TP_ERR_LABEL) {{ return 3; }}\n"
        f"memcpy(refused, latent, sizeof refused);\nrefused[0] = 1.0f / (refused[1] - refused[1]);\n"
        f"if (tp_train_step(&behind, refused, 0U, 0.01f, &step) != TP_ERR_NONFINITE) {{ return 4; }}\n"
        f"tp_train_step(&whole, sample, label, 0.01f, &step);\n"
        f"if (memcmp(memory.parameters, mlp_initial, sizeof memory.parameters) == 0) {{ return 5; }}\n"
        f"return memcmp(memory.parameters, other.parameters, sizeof memory.parameters) != 0;\n}}\n"
    ).replace("int main", "extern const float mlp_initial[];\nint main", 1)
    (folder / "latents.c").write_text(main)
    [command] = re.findall(r"^    mkdir -p build && (cc .*) && build/selftest$", readme, flags=re.MULTILINE)
    command = command.replace("main.c", "latents.c").replace("build/selftest", "latents")
    subprocess.run([*shlex.split(command), *WARNINGS], cwd=folder, check=True)
    assert subprocess.run([folder / "latents"], check=False).returncode == 0
