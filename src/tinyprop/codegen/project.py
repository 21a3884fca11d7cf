"""SourceTree → a project a firmware engineer can build, in one of `FORMS`, with a self-test that must pass."""

from dataclasses import dataclass

import numpy as np

from tinyprop.codegen.forms import DEFAULT, Contents, form_named
from tinyprop.codegen.forms.form import with_files
from tinyprop.codegen.generate import stamp, tool_version
from tinyprop.codegen.golden import RATE, golden_vectors
from tinyprop.codegen.literals import c_float
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.codegen.state import state_json, state_layout
from tinyprop.ir.train_program import TrainProgram
from tinyprop.plan.plan import Plan


@dataclass(frozen=True)
class CrossCompiler:
    """A compiler for a board, as the README shows it. title: of the board; command, flags: as in a shell."""

    title: str
    command: str
    flags: str


COMMON = CrossCompiler(
    "Cortex-M4F, say", "arm-none-eabi-gcc", "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16"
)


def project(
    tree: SourceTree,
    train: TrainProgram,
    plan: Plan,
    notes: tuple[str, ...] = (),
    form: str = DEFAULT,
    cross: CrossCompiler = COMMON,
) -> SourceTree:
    """`tree` as a project of that form: build files, README, self-test with golden vectors, what a checkpoint means.

    notes: more lines for the README. cross: with which that builds it for a board. Raises UserError for an unknown
    form.
    """
    shape = form_named(form)
    golden = golden_vectors(train)
    context = {
        "name": tree.name,
        "stamp": stamp(train, plan),
        "version": _version(),
        "library": tree.name.strip("_") or "network",  # to package managers, which want a letter or digit at both ends
        "sources": tree.sources,
        "include_dirs": tree.include_dirs,
        "method": train.spec.method,
        "inputs": train.program.input.size,
        "outputs": train.program.output.size,
        "samples": [_floats(sample) for sample in golden.samples],
        "learns_targets": train.loss.learns_targets,
        "truths": [_floats(t) if train.loss.learns_targets else f"{t}U" for t in golden.truths],
        "losses": _floats(golden.losses),
        "steps": len(golden.losses),
        "rate": c_float(RATE),
        "crc32": f"0x{golden.crc32:08X}U",
        "crc32_text": f"{golden.crc32:x}",
        "frozen": train.count(train.frozen),
        "latent": tree.latent_size,
        "cross": cross,
        "notes": notes,
    }
    state = {f"{tree.name}_state.json": state_json(state_layout(train))}
    return with_files(shape(Contents(tree, context)), state)


def _version() -> str:
    """Of the exported library, for its manifest: the tool's, or the least there is where it is not installed."""
    number = tool_version().rpartition(" ")[2]
    return number if number[0].isdigit() else "0.0.0"


def _floats(values: np.ndarray) -> str:
    return ", ".join(c_float(v) for v in values)
