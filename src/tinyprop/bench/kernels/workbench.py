"""Firmware that runs one piece of C at a time on arrays of the host's, and what each piece costs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod

import numpy as np

from tinyprop.codegen.generate import engine_files
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.targets import Board, EmulatedEngine

Shapes = Mapping[str, tuple[int, ...]]

# A network to the harness: its inference is the piece whose number is the first input.
SOURCE = """\
/* SPDX-License-Identifier: Apache-2.0 */
{head}
#include "workbench.h"

static const float zeros[{floats}];

typedef void (*piece)(float *values, uint32_t kept);

{pieces}

static const piece pieces[] = {{{names}}};

static const float *infer(void *memory, const float *x)
{{
    workbench_memory *m = memory;
    pieces[(uint32_t)x[0]](m->values, (uint32_t)x[1]);
    return m->outputs;
}}

const tp_program workbench = {{
    .name = "workbench",
    .inputs = 2U,
    .outputs = 1U,
    .layers = 1U,
    .parameters = {floats}U,
    .memory_bytes = sizeof(workbench_memory),
    .initial = zeros,
    .infer = infer,
}};
"""
HEADER = """\
#ifndef WORKBENCH_H
#define WORKBENCH_H
#include "tinyprop.h"
typedef struct workbench_memory {{
    float values[{floats}];
    float outputs[1];
}} workbench_memory;
extern const tp_program workbench;
#endif
"""
PIECE = """\
__attribute__((noinline)) static void piece_{number}(float *values, uint32_t kept)
{{
    (void)values, (void)kept;
{arrays}
{statements}
}}"""
OUR_KERNELS = '#define TP_INLINE_KERNELS 1\n#include "tp_kernels.h"'


@dataclass(frozen=True)
class Piece:
    """C statements on float arrays of these names and shapes; `kept` is a uint32_t that the host sets."""

    shapes: Shapes
    statements: str


@dataclass(frozen=True)
class Cost:
    """instructions: exact. cycles: estimated, None where the board's core has no timing table."""

    instructions: int
    cycles: int | None


class Workbench:
    """`pieces` on the emulated board, one run at a time."""

    def __init__(self, pieces: Sequence[Piece], engine: EmulatedEngine) -> None:
        self._pieces = pieces
        self._engine = engine
        self._empty = Cost(0, None if engine.inference_cycles() is None else 0)
        self._empty = self._measured(len(pieces), 0)

    def run(self, number: int, values: Mapping[str, np.ndarray], kept: int = 0) -> tuple[Cost, dict[str, np.ndarray]]:
        """What piece `number` costs on `values`, and what it left in the arrays. Missing arrays begin as zeros."""
        shapes = self._pieces[number].shapes
        whole = np.zeros(self._engine.facts.parameters, dtype=np.float32)
        for name, place in _places(shapes).items():
            if name in values:
                whole[place] = values[name].reshape(-1)
        self._engine.set_parameters(whole)
        cost = self._measured(number, kept)
        after = self._engine.parameters()
        return cost, {name: after[place].reshape(shapes[name]) for name, place in _places(shapes).items()}

    def stack_bytes(self) -> int:
        """Deepest stack of all runs so far."""
        return self._engine.stack_bytes()

    def _measured(self, number: int, kept: int) -> Cost:
        """Beyond an empty piece."""
        before = self._engine.inference_cycles()
        instructions = int(self._engine.infer_instructions(np.array([[number, kept]], dtype=np.float32))[0])
        after = self._engine.inference_cycles()
        if before is None or after is None or self._empty.cycles is None:
            return Cost(instructions - self._empty.instructions, None)
        return Cost(instructions - self._empty.instructions, after - before - self._empty.cycles)


@contextmanager
def workbench(
    pieces: Sequence[Piece], board: Board, toolchain: str, head: str = OUR_KERNELS, library: SourceTree | None = None
) -> Iterator[Workbench]:
    """head: what the pieces include. library: further sources. Raises UserError when a tool is missing."""
    with EmulatedEngine(_tree(pieces, head, library), (2,), board, toolchain) as engine:
        yield Workbench(pieces, engine)


def _tree(pieces: Sequence[Piece], head: str, library: SourceTree | None) -> SourceTree:
    floats = max(sum(map(prod, piece.shapes.values())) for piece in pieces)
    all_pieces = (*pieces, Piece({}, ""))
    source = SOURCE.format(
        head=head,
        floats=floats,
        pieces="\n\n".join(_text(number, piece) for number, piece in enumerate(all_pieces)),
        names=", ".join(f"piece_{number}" for number in range(len(all_pieces))),
    )
    files = {"workbench.c": source, "workbench.h": HEADER.format(floats=floats), **engine_files()}
    own = SourceTree("workbench", files, ("workbench.c", "engine/src/tp_api.c"), (".", "engine/include"))
    if library is None:
        return own
    sources, folders = own.sources + library.sources, own.include_dirs + library.include_dirs
    return SourceTree(own.name, files | dict(library.files), sources, folders)


def _text(number: int, piece: Piece) -> str:
    arrays = "\n".join(
        f"    float *{name} = values + {place.start}; (void){name};" for name, place in _places(piece.shapes).items()
    )
    statements = "\n".join(f"    {line}" for line in piece.statements.strip().splitlines())
    return PIECE.format(number=number, arrays=arrays, statements=statements)


def _places(shapes: Shapes) -> dict[str, slice]:
    """Where each array lies, one behind the other."""
    found, start = {}, 0
    for name, shape in shapes.items():
        found[name] = slice(start, start + prod(shape))
        start += prod(shape)
    return found
