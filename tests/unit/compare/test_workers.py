"""Runs given to workers: one that is killed costs nothing but time, on this machine and on a Dask cluster."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tinyprop.bench.compare import campaign as module
from tinyprop.bench.compare.campaign import campaign, run_campaign
from tinyprop.bench.compare.cell import Cell, Outcome, Variant
from tinyprop.bench.compare.jobs import on_test, on_validation, shipped
from tinyprop.bench.compare.provenance import provenance
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.store import Row, Store
from tinyprop.bench.workers import cluster
from tinyprop.bench.workers.choose import workers
from tinyprop.bench.workers.cluster import Cluster
from tinyprop.bench.workers.processes import Processes
from tinyprop.bench.workers.workers import Lost, Workers
from tinyprop.errors import UserError

METHODS = ("full", "full_zero_skip", "tinyprop_v2", "ours")
CELLS = tuple(
    Cell(
        "digits_new_classes", "cnn", method, Variant(method), 0.02, 0, pretrain_epochs=1, field_epochs=1, checkpoints=2
    )
    for method in METHODS
)
DIES = "__import__('os').kill(__import__('os').getpid(), 9)"


def quiet(stage: str, done: int, total: int) -> None:
    pass


def outcomes(path: Path) -> dict[str, Outcome]:
    with Store(path) as store:
        return {row.cell.variant: row.outcome for row in store.rows()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, Outcome]:
    """What comes of CELLS when nothing happens, in this process."""
    weights = shipped(CELLS[0])
    return {cell.variant: on_test(cell, weights).outcome for cell in CELLS}


def test_a_job_whose_process_is_killed_runs_again(tmp_path):
    mark = tmp_path / "tried"
    once = f"7 if __import__('os').path.exists({str(mark)!r}) else (open({str(mark)!r}, 'w').close(), {DIES})"
    with Processes(2) as working:
        assert dict(working.each(eval, [("1",), (once,), ("3",)])) == {0: 1, 1: 7, 2: 3}


def test_a_job_that_ends_every_process_is_lost_and_no_other_is():
    with Processes(2) as working:
        found = dict(working.each(eval, [("1",), (DIES,), ("3",), ("4",)]))
    assert isinstance(found.pop(1), Lost)
    assert found == {0: 1, 2: 3, 3: 4}


def test_what_a_job_raises_is_raised_and_the_workers_go_on():
    with Processes(2) as working:
        with pytest.raises(ZeroDivisionError):
            list(working.each(eval, [("1 / 0",), ("2",)]))
        assert list(working.each(eval, [("5",)])) == [(0, 5)]
    with pytest.raises(UserError, match="0 processes cannot run anything: choose 1 or more"):
        Processes(0)


def test_no_process_outlives_the_one_that_started_it(tmp_path):
    mark = tmp_path / "pid"
    job = f"(open({str(mark)!r}, 'w').write(str(__import__('os').getpid())), __import__('time').sleep(600))"
    asks = f"""
from tinyprop.bench.workers.processes import Processes
if __name__ == "__main__":
    with Processes(1) as working:
        list(working.each(eval, [({job!r},)]))
"""
    (tmp_path / "asks.py").write_text(asks)
    parent = subprocess.Popen([sys.executable, tmp_path / "asks.py"])
    waited_for(lambda: mark.exists() and mark.read_text())
    parent.kill()
    parent.wait()
    worker = int(mark.read_text())
    waited_for(lambda: not running(worker))


def waited_for(holds) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("waited for a minute, in vain")


def running(pid: int) -> bool:
    """Whether there is such a process, other than one that has ended and that nobody has asked about."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_processes_killed_in_mid_run_change_no_result(tmp_path, undisturbed):
    killed = []

    def kill_all_once(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("learning", 1):
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)
                killed.append(child.pid)

    with Store(tmp_path / "store.sqlite") as store, Processes(2) as working:
        run_campaign(CELLS, store, kill_all_once, working)
    assert len(killed) == 2
    assert outcomes(tmp_path / "store.sqlite") == undisturbed


class Unlucky(Workers):
    """Loses jobs whose first argument is one of `cells`; runs the others here."""

    def __init__(self, *cells: Cell) -> None:
        self.cells = cells

    def each(self, function, jobs):
        for number, job in enumerate(jobs):
            yield number, Lost("it died") if job[0] in self.cells else function(*job)

    def __exit__(self, *_):
        pass


def test_lost_runs_are_named_the_others_stored_and_resume_completes(tmp_path, undisturbed):
    with Store(tmp_path / "store.sqlite") as store:
        with pytest.raises(UserError) as error:
            run_campaign(CELLS[:3], store, quiet, Unlucky(CELLS[1]))
        assert "digits_new_classes · cnn · full_zero_skip · seed 0: it died. All else is stored" in str(error.value)
        rest = campaign(CELLS, store, resume=True).open
        assert [cell.variant for cell in rest] == ["full_zero_skip", "ours"]
        run_campaign(rest, store, quiet, Unlucky())
    assert outcomes(tmp_path / "store.sqlite") == undisturbed


def test_a_lost_pretraining_costs_the_runs_that_start_from_it(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "shipped", lambda cell: b"")
    monkeypatch.setattr(module, "on_test", lambda cell, weights: Row(cell, OUTCOME, {}))
    other = replace(CELLS[0], seed=1)
    with Store(tmp_path / "store.sqlite") as store:
        with pytest.raises(UserError, match="pretraining of cnn for digits_new_classes, seed 0: it died"):
            run_campaign((*CELLS, other), store, quiet, LosesFirst())
        assert [row.cell for row in store.rows()] == [other]


OUTCOME = Outcome(50.0, 90.0, None, None, 1.0, 1.0, 0.0, (1.0,), (), "", ram_bytes=7)


class LosesFirst(Unlucky):
    """Loses the first job of the first stage."""

    def each(self, function, jobs):
        for number, job in enumerate(jobs):
            yield number, Lost("it died") if len(job) == 1 and number == 0 else function(*job)


def test_a_row_says_what_its_worker_had(undisturbed):
    row = on_test(CELLS[0], shipped(CELLS[0]))
    data = SCENARIOS[CELLS[0].scenario].make(0).content_hash
    assert row.provenance == {**provenance(), "data": data}
    assert row.outcome.ram_bytes is not None
    assert row.outcome.ram_bytes > 4 * 64


def test_training_that_breaks_off_is_a_sentence_that_travels():
    cell = replace(CELLS[0], rate=1e30)
    with Processes(1) as working:
        with pytest.raises(UserError, match="digits_new_classes · cnn · full · seed 0: "):
            list(working.each(on_test, [(cell, shipped(cell))]))
        ((_, sentence),) = working.each(on_validation, [(cell, shipped(cell))])
    assert isinstance(sentence, str)


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(UserError, match=r"--scheduler needs Dask: run \"pip install 'tinyprop\[cluster\]'\""):
        workers("tcp://127.0.0.1:1", 2)


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    pytest.importorskip("distributed", reason="needs Dask: pip install 'tinyprop[cluster]'")
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    for address in ("tcp://127.0.0.1:1", "nonsense://here"):
        with pytest.raises(UserError, match=f"no Dask scheduler answers at '{address}' .*dask scheduler"):
            workers(address, 2)


@pytest.fixture
def local_cluster(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'tinyprop[cluster]'")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(tmp_path)
    ) as found:
        yield found


def test_a_cluster_that_loses_a_worker_half_way_gives_what_this_machine_gives(tmp_path, local_cluster, undisturbed):
    killed = []

    def kill_one(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("learning", 1):
            killed.append(local_cluster.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    with Store(tmp_path / "store.sqlite") as store, workers(local_cluster.scheduler_address, 1) as working:
        assert isinstance(working, Cluster)
        run_campaign(CELLS, store, kill_one, working)
    assert len(killed) == 1
    assert killed[0] != os.getpid()
    assert outcomes(tmp_path / "store.sqlite") == undisturbed


def test_workers_that_would_give_something_else_are_refused(local_cluster, monkeypatch):
    monkeypatch.setattr("distributed.Client.run", lambda self, function: {"tcp://far": function() | {"torch": "2.0"}})
    with pytest.raises(UserError, match=r"tcp://far would not give .*, it has torch 2\.0: install the same"):
        Cluster(local_cluster.scheduler_address)


def test_a_scheduler_that_goes_away_is_named(local_cluster):
    with Cluster(local_cluster.scheduler_address) as working:
        found = working.each(eval, [("1",)] + [("__import__('time').sleep(60)",)] * 3)
        assert next(found) == (0, 1)
        local_cluster.close()
        with pytest.raises(UserError, match=r"the Dask scheduler at .* is gone"):
            list(found)


def test_workers_of_several_threads_and_none_at_all_are_refused(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'tinyprop[cluster]'")
    settings = {"processes": False, "dashboard_address": None, "local_directory": str(tmp_path), "protocol": "tcp://"}
    threaded = distributed.LocalCluster(n_workers=1, threads_per_worker=2, **settings)
    with threaded, pytest.raises(UserError, match=r"has 2 threads, .* start workers with `--nthreads 1`"):
        Cluster(threaded.scheduler_address)
    empty = distributed.LocalCluster(n_workers=0, **settings)
    with empty, pytest.raises(UserError, match="has no workers: start some with `dask worker tcp://"):
        Cluster(empty.scheduler_address)
