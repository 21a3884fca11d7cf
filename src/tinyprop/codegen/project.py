"""SourceTree → a project a firmware engineer can build: CMake or plain `cc`, with a self-test that must pass."""

from dataclasses import replace

import numpy as np

from tinyprop.codegen.generate import render, stamp
from tinyprop.codegen.golden import RATE, golden_vectors
from tinyprop.codegen.literals import c_float
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.codegen.state import state_json, state_layout
from tinyprop.ir.train_program import TrainProgram
from tinyprop.plan.plan import Plan


def project(tree: SourceTree, train: TrainProgram, plan: Plan, notes: tuple[str, ...] = ()) -> SourceTree:
    """`tree` with CMakeLists.txt, main.c (golden self-test) and README.md. notes: more lines for the README."""
    golden = golden_vectors(train)
    context = {
        "name": tree.name,
        "stamp": stamp(train, plan),
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
        "frozen": train.count(train.frozen),
        "notes": notes,
    }
    templates = {"CMakeLists.txt": "CMakeLists.txt.j2", "main.c": "main.c.j2", "README.md": "project_readme.md.j2"}
    extra = {path: render(template, context) for path, template in templates.items()}
    extra[f"{tree.name}_state.json"] = state_json(state_layout(train))
    return replace(tree, files=dict(sorted({**tree.files, **extra}.items())))


def _floats(values: np.ndarray) -> str:
    return ", ".join(c_float(v) for v in values)
