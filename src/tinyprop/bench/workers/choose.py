"""Which workers a command was asked for."""

from tinyprop.bench.workers.cluster import Cluster
from tinyprop.bench.workers.processes import Processes
from tinyprop.bench.workers.workers import Workers


def workers(scheduler: str | None, processes: int) -> Workers:
    """The cluster of that scheduler, or as many processes of this machine where none is named. Raises UserError."""
    return Processes(processes) if scheduler is None else Cluster(scheduler)
