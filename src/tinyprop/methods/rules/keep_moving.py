"""Keep what neurons learn from whose outputs still change, look by look: velocity, neurons at equilibrium."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.methods.rules.number_check import require_fraction, require_non_negative
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule

FACTS = 4  # of each channel: distance, velocity, settled, and the product that a look adds up
MOST_MU = 0.5


@dataclass(frozen=True)
class KeepMoving(SelectionRule):
    """Keeps all entries of a channel, in a dense layer of an output, that is not at equilibrium.

        at a look, for each channel, all its entries on all samples in one line:
            φ = ŷ·ŷ_before, ŷ of norm 1;  1 where both are zero, 0 where one is
            Δφ = φ − φ_before;  v = Δφ − mu·v
            settled = |v| < eps

    The first look only notes ŷ, with φ = 1 and v = 0. Until the second nothing is settled. Outputs that are not finite
    count as 0. Only the update is of what is kept: the error sent below is formed from all of δ. A look at each
    channel; at each response, when the network is looked at, two.
    eps: finite, ≥ 0, 0 settles nothing; mu: 0 … 0.5, beyond which a velocity may grow by itself; samples: how many the
    network is looked at with. Raises UserError for others.
    """

    c_function: ClassVar[str] = "tp_keep_moving_f32"
    updates_only: ClassVar[bool] = True
    eps: float
    mu: float
    samples: int

    def __post_init__(self) -> None:
        require_non_negative("KeepMoving", "eps", self.eps)
        require_fraction("KeepMoving", "mu", self.mu)
        if self.mu > MOST_MU:
            raise UserError(f"KeepMoving was given mu={self.mu!r}: choose a number from 0 to {MOST_MU}.")

    def responses(self, channels: int, positions: int) -> int:
        """Floats that its twin remembers from look to look of outputs of that many positions, sample by sample."""
        return channels * (self.samples * positions + FACTS)

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        channels = len(delta)
        facts = np.frombuffer(state.residual or bytes(4 * FACTS * channels), np.float32)[-FACTS * channels :]
        moving = (facts.reshape(FACTS, channels)[2] == 0).reshape(-1, *(1,) * (delta.ndim - 1))
        return state, Selected.of(delta, (delta != 0) & moving, looks=channels)

    def compare(self, state: LayerState, y: np.ndarray, sample: int) -> tuple[LayerState, int]:
        """What of a look's one sample is remembered, and looks taken. y: what the layer answers, (channels, …)."""
        channels = len(y)
        now = y.reshape(channels, -1)
        responses, facts = self._parts(state, channels, now.shape[1])
        now = np.where(np.isfinite(now), now, np.float32(0))
        before = responses[sample]
        product, seen = (facts[3], facts[2]) if sample else (np.zeros(channels, np.float32),) * 2
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            terms = np.concatenate((product[:, None], now * before), axis=1)
            facts[3] = np.add.accumulate(terms, axis=1, dtype=np.float32)[:, -1]
        facts[2] = (seen != 0) | (before != 0).any(axis=1)
        responses[sample] = now
        return _joined(responses, facts), y.size

    def judge(self, state: LayerState, channels: int, positions: int, *, first: bool) -> tuple[LayerState, int]:
        """Who is at equilibrium, when all samples have been compared, and looks taken. first: there was nothing to."""
        responses, facts = self._parts(state, channels, positions)
        distance, velocity, seen, product = facts
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            squares = np.square(responses).transpose(1, 0, 2).reshape(channels, -1)
            size = np.sqrt(np.add.accumulate(squares, axis=1, dtype=np.float32)[:, -1])
            answers = (size > 0) & (size < np.inf)
            alike = np.where(answers, product / size, (seen == 0).astype(np.float32))
            unit = np.where(answers[:, None], responses / size[:, None], np.float32(0))
        now = np.float32(1) - alike
        change = (distance - now) - np.float32(self.mu) * velocity
        if first:
            now, change = np.zeros_like(now), np.zeros_like(change)
        settled = (np.abs(change) < np.float32(self.eps)) & (not first)
        return _joined(unit, np.stack((now, change, settled, product))), responses.size

    def _parts(self, state: LayerState, channels: int, positions: int) -> tuple[np.ndarray, np.ndarray]:
        """(responses (samples, channels, positions), facts (FACTS, channels)), to be written to."""
        size = self.responses(channels, positions)
        words = np.frombuffer(state.residual or bytes(4 * size), np.float32).copy()
        responses = words[: size - FACTS * channels].reshape(self.samples, channels, positions)
        return responses, words[size - FACTS * channels :].reshape(FACTS, channels)


def _joined(responses: np.ndarray, facts: np.ndarray) -> LayerState:
    words = np.concatenate((responses.ravel(), facts.ravel())).astype(np.float32)
    return LayerState(residual=words.tobytes())
