"""How well anomalies are told from normal sound, as DCASE 2020 task 2 counts it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyprop.data.extra import required
from tinyprop.errors import UserError

FALSE_ALARMS = 0.1  # p of the challenge


@dataclass(frozen=True)
class Detection:
    """auc: chance that an anomaly scores above a normal clip, a tie counting half. pauc: the area below a rate of false
    alarms of p alone, scaled as scikit-learn does (McClish): 0.5 is chance, 1 perfect. Both 0 to 1."""

    auc: float
    pauc: float


def detection(anomalies: Any, scores: Any, p: float = FALSE_ALARMS) -> Detection:
    """anomalies (N,) 0 or 1, or bool; scores (N,): the higher, the more of an anomaly. By scikit-learn.

    Raises UserError where either kind is missing, a score is not finite, or the lengths differ.
    """
    truth, score = np.asarray(anomalies), np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != score.shape:
        raise UserError(f"there are {truth.shape} anomalies or not and {score.shape} scores: give one of each a clip.")
    if not np.isin(truth, (0, 1)).all():
        raise UserError("a clip is neither normal (0) nor an anomaly (1).")
    if not np.isfinite(score).all():
        raise UserError(f"score {int(np.flatnonzero(~np.isfinite(score))[0])} is NaN or infinite.")
    if len(set(truth.tolist())) < 2:
        raise UserError("the clips are all of one kind: normal ones and anomalies are needed to tell them apart.")
    if not 0.0 < p <= 1.0:
        raise UserError(f"p={p!r} is no rate of false alarms: choose one above 0 and up to 1.")
    metrics = required("sklearn.metrics", "scikit-learn", "AUC", extra="demo")
    return Detection(
        auc=float(metrics.roc_auc_score(truth, score)),
        pauc=float(metrics.roc_auc_score(truth, score, max_fpr=p)),
    )


def detection_by_machine(
    machine_ids: Any, anomalies: Any, scores: Any, p: float = FALSE_ALARMS
) -> tuple[Detection, Mapping[str, Detection]]:
    """(means over the machines, each machine's) of clips (N,): the challenge averages over machines, not clips."""
    ids, truth, score = np.asarray(machine_ids), np.asarray(anomalies), np.asarray(scores)
    if not ids.shape == truth.shape == score.shape or ids.ndim != 1:
        raise UserError(f"{ids.shape} machines, {truth.shape} truths, {score.shape} scores: give one of each a clip.")
    if not ids.size:
        raise UserError("there is no clip: give the clips of at least one machine.")
    each = {str(one): detection(truth[ids == one], score[ids == one], p) for one in sorted(set(ids.tolist()))}
    auc, pauc = (float(np.mean([getattr(d, kind) for d in each.values()])) for kind in ("auc", "pauc"))
    return Detection(auc, pauc), each
