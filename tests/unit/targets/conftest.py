"""A network written by hand: one dense layer, squared error, steps with a small loss skipped. Small enough to check
by eye, and independent of the code generator."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinyprop.engine as engine_package
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.trace import StepTrace

SKIP_BELOW = 0.05
ENGINE = Path(next(iter(engine_package.__path__)))

HEADER = """\
#ifndef TOY_H
#define TOY_H
#include "tinyprop.h"
typedef struct toy_memory {
    float weights[4][3];
    float bias[3];
    uint32_t kept[1];
    float outputs[3];
    float spare[SPARE_FLOATS];
} toy_memory;
extern const tp_program toy;
#endif
"""

SOURCE = """\
#include "toy.h"
#include "tp_instrument.h"
#include "tp_kernels.h"

static const float initial[15] = {INITIAL};

static const float *infer(void *memory, const float *x)
{
    toy_memory *m = memory;
    for (int o = 0; o < 3; o++) {
        float sum = m->bias[o];
        for (int i = 0; i < 4; i++) {
            sum += m->weights[i][o] * x[i];
        }
        m->outputs[o] = sum;
    }
    TP_COUNT(macs_forward, 12);
    return m->outputs;
}

static int train(void *memory, const float *x, uint32_t label, float rate, tp_step *step)
{
    toy_memory *m = memory;
    const float *y = infer(memory, x);
    float delta[3];
    if (!tp_all_finite_f32(y, 3u)) {
        return TP_ERR_NONFINITE;
    }
    step->loss = 0.0f;
    step->predicted = 0u;
    for (uint32_t o = 0u; o < 3u; o++) {
        delta[o] = y[o] - (o == label ? 1.0f : 0.0f);
        step->loss += delta[o] * delta[o];
        step->predicted = y[o] > y[step->predicted] ? o : step->predicted;
    }
    step->skipped = step->loss < SKIP_BELOW ? 1u : 0u;
    m->kept[0] = step->skipped ? 0u : 3u;
    step->kept = m->kept;
    for (int o = 0; o < 3 && !step->skipped; o++) {
        for (int i = 0; i < 4; i++) {
            m->weights[i][o] -= rate * delta[o] * x[i];
        }
        m->bias[o] -= rate * delta[o];
        TP_COUNT(macs_backward, 4);
    }
    TP_COUNT(looks, 3);
    return TP_OK;
}

const tp_program toy = {"toy", 4u, 3u, 1u, 15u, sizeof(toy_memory), 16u, 0u, initial, infer, train, NULL};
"""

KERNELS_HEADER = """\
#ifndef TP_KERNELS_H
#define TP_KERNELS_H
#include "tp_config.h"
#include "tp_instrument.h"
#include <stdint.h>
int tp_all_finite_f32(const float *x, uint32_t n);
#endif
"""

KERNELS_SOURCE = """\
#include "tp_kernels.h"
int tp_all_finite_f32(const float *x, uint32_t n)
{
    for (uint32_t i = 0u; i < n; i++) {
        if (!(x[i] - x[i] == 0.0f)) {
            return 0;
        }
    }
    return 1;
}
"""

INITIAL = (np.arange(15, dtype=np.float32) - 7) / 16


def toy_tree(spare_floats: int = 1, source: str = SOURCE) -> SourceTree:
    """The network as a SourceTree; spare_floats makes its memory as large as a test wants it."""
    literals = ", ".join(f"{value}f" for value in INITIAL)
    return SourceTree(
        name="toy",
        files={
            "toy.h": HEADER.replace("SPARE_FLOATS", str(spare_floats)),
            "toy.c": source.replace("INITIAL", literals).replace("SKIP_BELOW", f"{SKIP_BELOW}f"),
            "tp_kernels.h": KERNELS_HEADER,
            "tp_kernels.c": KERNELS_SOURCE,
            **{
                f"engine/{name}.h": (ENGINE / "include" / f"{name}.h").read_text()
                for name in ("tinyprop", "tp_checkpoint", "tp_link", "tp_guard")
            },
            "engine/tp_config.h": (ENGINE / "include" / "tp_config.h").read_text(),
            "engine/tp_instrument.h": (ENGINE / "include" / "tp_instrument.h").read_text(),
            "engine/tp_api.c": (ENGINE / "src" / "tp_api.c").read_text(),
        },
        sources=("toy.c", "tp_kernels.c", "engine/tp_api.c"),
        include_dirs=(".", "engine"),
    )


def train_in_numpy(
    x: np.ndarray, y: np.ndarray, rate: float, initial: np.ndarray = INITIAL
) -> tuple[StepTrace, np.ndarray]:
    """The same training in NumPy, float32, sums in the same order."""
    weights, bias = initial[:12].reshape(4, 3).copy(), initial[12:].copy()
    rows = []
    for sample, label in zip(x, y, strict=True):
        outputs = bias.copy()
        for i in range(4):
            outputs += weights[i] * sample[i]
        delta = outputs - (np.arange(3) == label).astype(np.float32)
        loss = np.float32(0)
        for value in delta:
            loss += value * value
        skipped = loss < np.float32(SKIP_BELOW)
        rows.append((loss, outputs.argmax(), skipped, [0 if skipped else 3]))
        if not skipped:
            weights -= (np.float32(rate) * delta) * sample[:, None]
            bias -= np.float32(rate) * delta
    loss, predicted, skipped, kept = (np.array(column) for column in zip(*rows, strict=True))
    return StepTrace(loss, predicted, skipped, kept), np.concatenate([weights.ravel(), bias])


@pytest.fixture(scope="session")
def toy() -> Callable[..., SourceTree]:
    """toy(spare_floats=1, source=SOURCE) → SourceTree: inputs 4, outputs 3, one layer, 15 parameters."""
    return toy_tree


@pytest.fixture(scope="session")
def toy_source() -> str:
    """The C text of the network, for tests that break it."""
    return SOURCE


@pytest.fixture(scope="session")
def sabotaged() -> Callable[..., SourceTree]:
    """sabotaged(statement, source=SOURCE): the network, its training step beginning with `statement`."""
    anchor = "    float delta[3];\n"
    assert anchor in SOURCE

    def begin_with(statement: str, source: str = SOURCE) -> SourceTree:
        return toy_tree(source=source.replace(anchor, f"{anchor}    {statement}\n"))

    return begin_with


@pytest.fixture(scope="session")
def toy_samples() -> tuple[np.ndarray, np.ndarray]:
    """150 samples (150, 4) that can be learnt, and labels (150,): more than two chunks of a board."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 150)
    return (np.eye(3, 4)[y] + rng.normal(scale=0.1, size=(150, 4))).astype(np.float32), y


@pytest.fixture(scope="session")
def toy_initial() -> np.ndarray:
    """Its parameters before training, (15,)."""
    return INITIAL


@pytest.fixture(scope="session")
def toy_oracle() -> Callable[..., tuple[StepTrace, np.ndarray]]:
    """toy_oracle(x, y, rate, initial) → (trace, parameters): the network in NumPy, one step at a time."""
    return train_in_numpy
