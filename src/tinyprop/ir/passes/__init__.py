"""Rewriting rules, one file each: pure functions from Program to Program, run in the order of PASSES."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tinyprop.ir.graph import Program
from tinyprop.ir.passes.fuse_max_pool import fuse_max_pool
from tinyprop.ir.passes.fuse_relu import fuse_relu
from tinyprop.ir.passes.join_reshapes import join_reshapes
from tinyprop.ir.passes.lift_over_reshape import lift_over_reshape

Pass = Callable[[Program], Program]

PASSES: Mapping[str, Pass] = MappingProxyType(
    {
        "lift_over_reshape": lift_over_reshape,
        "join_reshapes": join_reshapes,
        "fuse_relu": fuse_relu,
        "fuse_max_pool": fuse_max_pool,
    }
)


def fuse(program: Program) -> Program:
    """`program` after every pass, repeated until none changes anything (conv → pool → ReLU takes two rounds)."""
    while True:
        before = program.nodes
        for rewrite in PASSES.values():
            program = rewrite(program)
        if program.nodes == before:
            return program
