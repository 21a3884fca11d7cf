"""From a network and boards to `BoardFit` records: link for each board, count once per core, try changes on misfits."""

from collections.abc import Callable, Sequence
from functools import cache

from tinyprop.bench.fitting.changes import changes_that_help
from tinyprop.bench.fitting.counting import count, reason_not_counted
from tinyprop.bench.fitting.records import BoardFit, Change, Counts, Setup, stored
from tinyprop.bench.progress import Advance
from tinyprop.store import StoreSettings
from tinyprop.surface import Network, Trainer
from tinyprop.targets.board import Board, board_names, load_board
from tinyprop.targets.firmware import link_firmware
from tinyprop.targets.fit import Fit, boards_that_hold

CoreKey = tuple[str, tuple[str, ...]]


def fit_boards(
    network: Network, asked: Setup, boards: Sequence[Board], *, store: StoreSettings | None = None, advance: Advance
) -> tuple[BoardFit, ...]:
    """One record per board, in their order. store: of samples, whose RAM is counted, of latents where `asked` makes
    them; advance: told (stage, done, of).

    Raises UserError as `Network.train` does, or when zig is missing.
    """

    @cache
    def trainer_of(setup: Setup) -> Trainer:
        return setup.trainer(network)

    def linked(setup: Setup, board: Board, kept: StoreSettings | None = store) -> Fit:
        trainer = trainer_of(setup)
        store_bytes = 0 if kept is None else stored(kept, trainer).bytes
        return link_firmware(trainer.sources, board, board.emulator.clock).fit(store_bytes)

    fits = []
    for number, board in enumerate(boards):
        advance("building", number, len(boards))
        fits.append(linked(asked, board))
    advance("building", len(boards), len(boards))
    counts = _counted(boards, trainer_of(asked), lambda board: linked(asked, board, None).fits, advance)
    changes = _changes(fits, network, asked, trainer_of, linked, advance)
    return tuple(
        BoardFit(
            fit=fit,
            counts=counts[core_key(fit.board)][0],
            uncounted=counts[core_key(fit.board)][1],
            changes=changes.get(fit.board.name, ()),
            larger=() if fit.fits else boards_that_hold(fit),
        )
        for fit in fits
    )


def core_key(board: Board) -> CoreKey:
    """Boards that have it in common run the same code."""
    return (board.cpu, board.flags.zig)


def _counted(
    boards: Sequence[Board], trainer: Trainer, fits: Callable[[Board], bool], advance: Advance
) -> dict[CoreKey, tuple[Counts | None, str]]:
    """Core → its counts, or why there are none. Of boards that fit, one with a timing table comes first."""
    cores = list(dict.fromkeys(core_key(board) for board in boards))
    others = [load_board(name) for name in board_names()]
    found: dict[CoreKey, tuple[Counts | None, str]] = {}
    for number, key in enumerate(cores):
        advance("counting", number, len(cores))
        same = [board for board in (*boards, *others) if core_key(board) == key]
        same.sort(key=_last_resort)  # stable: the boards asked for come first
        if reason := reason_not_counted(same[0]):
            found[key] = (None, reason)
            continue
        place = next((board for board in same if fits(board)), None)
        found[key] = (None, "it fits no board with this core") if place is None else (count(trainer, place), "")
    advance("counting", len(cores), len(cores))
    return found


def _last_resort(board: Board) -> tuple[bool, bool]:
    """False before True: where cycles are estimated, and no FPGA image that stands in for a core."""
    return (not board.timing, board.emulator.kind != "unicorn")


def _changes(
    fits: Sequence[Fit],
    network: Network,
    asked: Setup,
    trainer_of: Callable[[Setup], Trainer],
    linked: Callable[[Setup, Board], Fit],
    advance: Advance,
) -> dict[str, tuple[Change, ...]]:
    """Name of a board that is too small → what would help."""
    found = {}
    small = [fit for fit in fits if not fit.fits]
    for number, fit in enumerate(small):
        advance("trying changes", number, len(small))

        def try_out(setup: Setup, board: Board = fit.board) -> Fit:
            return linked(setup, board)

        found[fit.board.name] = changes_that_help(network, asked, fit, trainer_of, try_out)
    if small:
        advance("trying changes", len(small), len(small))
    return found
