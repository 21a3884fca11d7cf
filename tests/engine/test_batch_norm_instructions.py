"""What batch norms that train cost on a board is what docs/memory.md says: instructions are exact."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import tinyprop
from tinyprop.models import MODELS

DOCUMENT = Path(__file__).parents[2] / "docs" / "memory.md"


@pytest.mark.parametrize(("toolchain", "sentence"), [("zig", "takes {} more instructions"), ("gcc", "gcc's {}")])
def test_the_documented_share_is_the_measured_one(toolchain: str, sentence: str) -> None:
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    card = MODELS["ds_cnn"]
    torch.manual_seed(0)
    model, x = card.make().eval(), torch.randn(1, *card.input_shape)
    counts = []
    for batch_norm in ("fold", "train"):
        trainer = tinyprop.capture(model, x, batch_norm=batch_norm).train("full")
        with trainer.build("apollo4p-evb", toolchain=toolchain) as engine:
            trace = engine.fit(x.numpy(), np.array([3]), progress=False)
            assert trace.instructions is not None
            counts.append(int(trace.instructions[0]))
    share = f"{100 * (counts[1] / counts[0] - 1):.1f} %"
    assert sentence.format(share) in DOCUMENT.read_text(encoding="utf-8"), share
