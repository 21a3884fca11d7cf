"""Golden vectors: a few training steps whose losses and final weights the slow oracle has worked out.

The exported project replays them on the device. They hold bit for bit, so that a wrong compiler flag, a broken FPU
set-up or a damaged weight shows before the first real sample is learned.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from tinyprop.codegen.layout import to_engine
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.ir.train_program import TrainProgram

STEPS = 3
RATE = 0.01


@dataclass(frozen=True)
class Golden:
    """samples (STEPS, inputs) float32; truths: labels (STEPS,) or targets (STEPS, outputs) float32, as the loss has it;
    losses (STEPS,) float32; crc32 of the final parameters that learn and then of the frozen ones, as the engine stores
    them, little-endian."""

    samples: np.ndarray
    truths: np.ndarray
    losses: np.ndarray
    crc32: int


def golden_vectors(train: TrainProgram) -> Golden:
    """`STEPS` steps on `golden_samples`."""
    program = train.program
    samples, truths = golden_samples(train)
    oracle = OracleTrainer(train)
    losses = oracle.fit(samples, truths, RATE).loss
    final = to_engine(program, oracle.parameters, (*train.trainable, *train.frozen))
    crc = zlib.crc32(final.astype("<f4").tobytes())
    return Golden(samples.reshape(STEPS, -1), truths, losses, crc)


def golden_samples(train: TrainProgram) -> tuple[np.ndarray, np.ndarray]:
    """Fixed pseudo-random samples (STEPS, *input shape), half of whose inputs are exact zeros, and their truths."""
    program = train.program
    generator = np.random.default_rng(20241)
    samples = generator.standard_normal((STEPS, *program.input.shape)).astype(np.float32)
    samples[generator.random(samples.shape) < 0.5] = 0
    truths = np.arange(STEPS) % program.output.size
    if train.loss.learns_targets:
        truths = generator.standard_normal((STEPS, program.output.size)).astype(np.float32)
    return samples, truths
