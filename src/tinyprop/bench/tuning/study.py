"""An Optuna study in a journal: a file that trials are only ever added to, by as many processes as open it."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

from tinyprop.bench.atomic_file import require_writable
from tinyprop.bench.compare.campaign import weights_to_ship
from tinyprop.bench.compare.cell import Outcome
from tinyprop.bench.compare.jobs import on_validation
from tinyprop.bench.compare.provenance import provenance
from tinyprop.bench.progress import Advance
from tinyprop.bench.tuning.candidate import Candidate
from tinyprop.bench.tuning.objectives import OBJECTIVES
from tinyprop.bench.tuning.search import RATE, TRAINABLE, Search
from tinyprop.bench.workers.workers import Lost, Workers
from tinyprop.data.extra import required
from tinyprop.errors import UserError
from tinyprop.methods.search_range import Range

DIGITS = 3  # significant ones of a searched value: what is tried is what a configuration can say
PATIENCE = 10  # seconds until the lock of a process that was killed while it wrote is taken away; a write takes none
FOUND, STOPPED = "candidate", "stopped"  # attributes of a trial: what it came to, or why it came to nothing


class Study:
    """The study of `search` in the journal `path`, made when it is missing.

    Raises UserError when Optuna is not installed, and when the file is no journal of a study or cannot be written.
    """

    def __init__(self, search: Search, path: Path) -> None:
        self._optuna = required("optuna", "Optuna", "tinyprop tune", extra="tune")
        self._search, self._path = search, path
        self._optuna.logging.set_verbosity(self._optuna.logging.ERROR)
        require_writable(path)
        with self._explained():
            _require_journal(path)
            journal = self._optuna.storages.journal
            lock = journal.JournalFileSymlinkLock(str(path), grace_period=PATIENCE)
            self._study = self._optuna.create_study(
                study_name=search.name,
                storage=self._optuna.storages.JournalStorage(journal.JournalFileBackend(str(path), lock)),
                directions=[OBJECTIVES[name].direction for name in search.objectives],
                load_if_exists=True,
            )

    @property
    def ended(self) -> int:
        """How many trials have ended, those included that came to nothing."""
        with self._explained():
            return sum(bool({FOUND, STOPPED} & trial.user_attrs.keys()) for trial in self._trials("COMPLETE", "FAIL"))

    @property
    def stopped(self) -> tuple[str, ...]:
        """Of each trial that came to nothing why: training broke off, or the network cannot have such settings."""
        with self._explained():
            return tuple(trial.user_attrs[STOPPED] for trial in self._trials("FAIL") if STOPPED in trial.user_attrs)

    def candidates(self) -> tuple[Candidate, ...]:
        """All that were tried, in order."""
        with self._explained():
            return tuple(_candidate(trial) for trial in self._trials("COMPLETE"))

    def front(self) -> tuple[Candidate, ...]:
        """Those that no other beats in every objective, of equal ones the first; the most accurate first."""
        with self._explained():
            best = {tuple(trial.values): trial for trial in sorted(self._study.best_trials, key=lambda t: -t.number)}
        return tuple(sorted(map(_candidate, best.values()), key=lambda one: (-one.accuracy, one.effort_total)))

    def go_on(self, trials: int, advance: Advance, workers: Workers) -> None:
        """Until `trials` have ended, here or elsewhere. Raises UserError where a worker dies again and again.

        What is tried next depends on what has ended and on the number of the trial, on nothing else.
        """
        cells = self._search.cells({}, self._search.rate, None)
        starts, lost = weights_to_ship(cells, advance, workers)
        if lost:
            raise UserError(f"{'; '.join(lost)}: try again, with fewer --processes if it happens again.")
        while (ended := self.ended) < trials:
            advance("trials", ended, trials)
            self._one(starts, workers)
        advance("trials", trials, trials)

    def _one(self, starts: Mapping[Any, bytes], workers: Workers) -> None:
        with self._explained():
            trial = self._study.ask()
            # A seed of its own for each trial: processes that share the journal must not draw the same.
            self._study.sampler = self._optuna.samplers.TPESampler(seed=trial.number)
            settings, rate, trainable = self._drawn(trial)
        failed = self._optuna.trial.TrialState.FAIL
        cells = self._search.cells(settings, rate, trainable)
        outcomes = list[Outcome]()
        try:
            for _, outcome in workers.each(on_validation, [(cell, starts[cell.pretraining]) for cell in cells]):
                if isinstance(outcome, Lost):
                    raise UserError(
                        f"trial {trial.number}: {outcome.reason}. All else is in {self._path}: the same command goes "
                        "on, with fewer --processes if it happens again."
                    )
                if isinstance(outcome, str):
                    with self._explained():
                        trial.set_user_attr(STOPPED, outcome)
                        self._study.tell(trial, state=failed)
                    return
                outcomes.append(outcome)
        except BaseException:
            self._study.tell(trial, state=failed)
            raise
        found = _mean(outcomes)
        with self._explained():
            trial.set_user_attr("provenance", provenance())
            trial.set_user_attr(FOUND, {"settings": settings, "rate": rate, "trainable": trainable, **found})
            self._study.tell(trial, [found[name] for name in self._search.objectives])

    def _drawn(self, trial: Any) -> tuple[dict[str, float], float, str | None]:
        drawn = {name: _suggested(trial, name, where) for name, where in self._search.ranges.items()}
        words = self._search.trainable
        trainable = trial.suggest_categorical(TRAINABLE, words) if len(words) > 1 else words[0]
        return drawn, drawn.pop(RATE, self._search.rate), trainable

    def _trials(self, *states: str) -> list[Any]:
        return self._study.get_trials(deepcopy=False, states=[self._optuna.trial.TrialState[name] for name in states])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, KeyError, TypeError, self._optuna.exceptions.OptunaError) as error:
            raise UserError(
                f"'{self._path}' cannot be used as a journal of studies ({error}): name another file, in a folder of "
                "yours; this one is as it was."
            ) from error


def _require_journal(path: Path) -> None:
    """Raises ValueError for a file that Optuna must not add to: not its own, or broken off in a line."""
    if not path.exists() or not (size := path.stat().st_size):
        return
    with path.open("rb") as file:
        entry = json.loads(file.readline())
        file.seek(size - 1)
        last = file.read(1)
    if not (isinstance(entry, dict) and "op_code" in entry):
        raise ValueError("its first line is none of a journal's")
    if last != b"\n":
        raise ValueError("its last line is torn: delete that line")


def _mean(outcomes: Sequence[Outcome]) -> dict[str, float]:
    columns: dict[str, list[float]] = {
        "accuracy": [one.accuracy_after for one in outcomes],
        "effort_bwd": [one.effort_bwd for one in outcomes],
        "effort_total": [one.effort_total for one in outcomes],
        "ram_bytes": [one.ram_bytes or 0 for one in outcomes],
    }
    return {name: fmean(column) for name, column in columns.items()}


def _candidate(trial: Any) -> Candidate:
    return Candidate(number=trial.number, **trial.user_attrs[FOUND])


def _suggested(trial: Any, name: str, where: Range) -> float:
    """A value of the range, as few digits as it is worth; a count stays one."""
    if where.whole:
        return trial.suggest_int(name, math.ceil(where.low), math.floor(where.high), log=where.log)
    return float(f"{trial.suggest_float(name, where.low, where.high, log=where.log):.{DIGITS}g}")
