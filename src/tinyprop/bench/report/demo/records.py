"""What a report is made from: frozen records without a line of layout."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """One method on one model in one scenario: a line of the table and of the JSON file.

    accuracy_*: percent on test data, means over `seeds`; accuracy_after_sd: their standard deviation, in points.
    effort_*: executed multiply-adds over those of plain full training (1.0 = full). skipped: share of steps, 0 to 1.
    instructions_*: per training step on the emulated board. *_bytes: of the linked image; stack: high-water mark.
    hash_*: SHA-256 over all parameters, little-endian, in program order, after training on the host and on the board.
    macs_*: plain multiply-adds of one full training step.
    """

    model: str
    scenario: str
    method: str
    accuracy_before: float
    accuracy_after: float
    effort_bwd: float
    effort_total: float
    skipped: float
    instructions_mean: float
    instructions_max: int
    ram_bytes: int
    flash_bytes: int
    stack_bytes: int
    hash_host: str
    hash_board: str
    accuracy_after_sd: float
    seeds: tuple[int, ...]
    macs_forward: int
    macs_backward: int


@dataclass(frozen=True)
class Check:
    """Something the run proved or failed to prove. detail: the numbers behind the verdict."""

    claim: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class KeptHistory:
    """Selection over one training run (N steps, T trainable layers in forward order).

    n (T,): outputs of each layer before activation and pooling; kept (N, T) int: entries of δ back-propagated;
    skipped (N,) bool.
    """

    model: str
    scenario: str
    method: str
    layers: tuple[str, ...]
    n: tuple[int, ...]
    kept: np.ndarray
    skipped: np.ndarray


@dataclass(frozen=True)
class InstructionSplit:
    """Where the instructions of one training step go. by_method: method → C function → mean per step, itself only."""

    model: str
    scenario: str
    by_method: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class MemoryPicture:
    """The memory plan of one network, drawn and in plain characters. svg: one `<svg>` element, trusted."""

    model: str
    svg: str
    ascii: str


@dataclass(frozen=True)
class DemoReport:
    """Everything on the page. facts: (name, value) of machine, versions, seeds; notes: what else limits the results."""

    title: str
    rows: tuple[Row, ...]
    facts: tuple[tuple[str, str], ...] = ()
    config: str = ""
    checks: tuple[Check, ...] = ()
    kept: tuple[KeptHistory, ...] = ()
    instructions: tuple[InstructionSplit, ...] = ()
    memory: tuple[MemoryPicture, ...] = ()
    notes: tuple[str, ...] = ()
