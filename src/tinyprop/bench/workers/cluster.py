"""The workers of a Dask scheduler."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tinyprop.bench.compare.provenance import provenance
from tinyprop.bench.workers.workers import Lost, Workers
from tinyprop.data.extra import required
from tinyprop.errors import UserError

PATIENCE = "10s"  # for the scheduler to answer
AHEAD = 2  # jobs handed over per worker: one to run, one to go on with


class Cluster(Workers):
    """The workers of the scheduler at `address`, as `tcp://host:8786`.

    Raises UserError when Dask is not installed, when nothing answers there, and when a worker cannot give what this
    machine would: other code, other versions, several threads.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._distributed = required("distributed", "Dask", "--scheduler", extra="cluster")
        try:
            self._client = self._distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                f"no Dask scheduler answers at '{address}' ({_first_line(error)}): start one with `dask scheduler`, "
                "and give the address that it prints."
            ) from error
        try:
            self._require_alike()
        except BaseException:
            self._client.close()
            raise

    def each(self, function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        waiting, running = deque(range(len(jobs))), dict[Any, int]()
        ended = self._distributed.as_completed(loop=self._client.loop)

        def hand_over() -> None:
            while waiting and len(running) < AHEAD * max(1, len(self._client.nthreads())):
                number = waiting.popleft()
                future = self._client.submit(function, *jobs[number], pure=False)
                running[future] = number
                ended.add(future)

        try:
            hand_over()
            for future in ended:
                number = running.pop(future)
                if future.cancelled():  # nobody here does that: the client does, to all, when the scheduler is gone
                    raise UserError(
                        f"the Dask scheduler at '{self._address}' is gone: what had ended is kept; start one and go on."
                    )
                if future.status == "error" and isinstance(future.exception(), self._distributed.KilledWorker):
                    yield number, Lost("every worker that tried it died")
                else:
                    yield number, future.result()
                hand_over()
        finally:
            self._client.cancel(list(running))

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _require_alike(self) -> None:
        address = self._address
        threads = self._client.nthreads()
        if not threads:
            raise UserError(
                f"the Dask scheduler at '{address}' has no workers: start some with "
                f"`dask worker {address} --nthreads 1 --nworkers 2`."
            )
        if busy := [worker for worker, count in threads.items() if count > 1]:
            raise UserError(
                f"{busy[0]} has {threads[busy[0]]} threads, which would share PyTorch's random numbers: start workers "
                "with `--nthreads 1`, and with --nworkers for several of them."
            )
        try:
            found = self._client.run(provenance)
        except Exception as error:  # whatever a worker that lacks tinyprop answers
            raise UserError(
                f"a worker of '{address}' cannot run tinyprop ({_first_line(error)}): install the same tinyprop there."
            ) from error
        for worker, theirs in found.items():
            if apart := [
                f"{name} {theirs.get(name)}" for name, here in provenance().items() if theirs.get(name) != here
            ]:
                raise UserError(
                    f"{worker} would not give what this machine gives, it has {', '.join(apart)}: install the same "
                    "tinyprop and the same versions there."
                )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".:")
