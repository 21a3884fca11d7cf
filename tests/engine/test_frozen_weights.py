"""Weights that no step changes are constants in flash, of the board and of the exported project."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from tinyprop.errors import UserError


def sections_of(image):
    """Name of a symbol → (address, bytes) in the linked image."""
    with image.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        return {symbol.name: (symbol["st_value"], symbol["st_size"]) for symbol in table.iter_symbols()}


def within(memory, address, size):
    return memory.origin <= address and address + size <= memory.origin + memory.bytes


def test_only_what_learns_is_in_ram(networks):
    network = networks["pooled"]
    own = network.program.parameters
    learning = 4 * sum(a.size for name, a in own.items() if name.startswith("7."))
    whole, head = (network.train("ours", trainable=names) for names in (None, ["7"]))
    with head.build("nano33ble") as engine, whole.build("nano33ble") as all_of_it:
        symbols, board = sections_of(engine.firmware.path), engine.firmware.board
        assert engine.facts.parameters == learning // 4
        assert engine.facts.memory_bytes == head.memory.model
        assert engine.ram_bytes == all_of_it.ram_bytes - (whole.memory.model - head.memory.model)
    address, size = symbols["pooled_frozen"]
    assert (head.memory.weights, head.memory.frozen) == (learning, size)
    assert whole.memory.weights == learning + size
    assert whole.memory.frozen == 0
    assert within(board.flash, address, size)
    assert within(board.ram, *symbols["memory"])
    assert symbols["memory"][1] == head.memory.model


def test_python_sees_all_weights_and_changes_those_that_learn(networks):
    network = networks["pooled"]
    own, trainer = dict(network.program.parameters), network.train("full", trainable=["7"])
    with trainer.build("host") as engine:
        assert list(engine.weights()) == list(own)
        engine.set_weights({**own, "7.bias": own["7.bias"] + 1})
        np.testing.assert_array_equal(engine.weights()["7.bias"], own["7.bias"] + 1)
        before = engine.weight_hash()
        with pytest.raises(UserError, match=r"0\.bias, 3\.bias differ from the frozen.*with_weights\(weights\)"):
            engine.set_weights({**own, "0.bias": own["0.bias"] + 1, "3.bias": np.full(6, np.nan)})
        assert engine.weight_hash() == before
    other = network.with_weights({**own, "0.bias": own["0.bias"] + 1})
    with other.train("full", trainable=["7"]).build("host") as engine:
        np.testing.assert_array_equal(engine.weights()["0.bias"], own["0.bias"] + 1)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler called cc")
@pytest.mark.parametrize("kernels", ["inline", "size"])
def test_the_self_test_sees_a_changed_weight_whether_it_learns_or_not(networks, tmp_path, kernels):
    folder = networks["pooled"].train("ours", trainable=["7"], kernels=kernels).export(tmp_path / "firmware")
    assert self_test(folder) == ("PASS", 0)
    weights = folder / "pooled_parameters.c"
    text = weights.read_text()
    initial, frozen = (text.index(f"const float pooled_{block}[") for block in ("initial", "frozen"))
    for start in (initial, frozen):
        weights.write_text(text[:start] + with_one_weight_changed(text[start:]))
        assert self_test(folder) == ("FAIL", 1)


def self_test(folder):
    """What it prints, and what it returns, built by the command in the project's README."""
    [command] = re.findall(
        r"^    (mkdir .* && build/selftest)$", (folder / "README.md").read_text(), flags=re.MULTILINE
    )
    run = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
    return run.stdout.split(":")[0], run.returncode


def with_one_weight_changed(text):
    """`text` with the last weight of its first array changed by a few units in the last place."""
    last = list(re.finditer(r"0x1\.\w{4}(\w)", text[: text.index("};")]))[-1]
    return text[: last.start(1)] + ("1" if last[1] == "0" else "0") + text[last.end(1) :]
