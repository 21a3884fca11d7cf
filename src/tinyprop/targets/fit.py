"""Fit: what a linked image takes of a board's memories, and what that leaves. The arithmetic is here only."""

from dataclasses import dataclass

from tinyprop.errors import UserError
from tinyprop.targets.board import Board, board_names, load_board


@dataclass(frozen=True)
class Fit:
    """Bytes that an image needs of a board and bytes that the board has.

    flash_bytes: code, constants and initial values; ram_bytes: variables, one sample, one output vector, the stack, and
    a store of samples where there is one. The measuring harness (a few KB) is counted with them.
    """

    board: Board
    flash_bytes: int
    ram_bytes: int

    @property
    def flash_left(self) -> int:
        """Bytes of flash that stay free; below zero: that are missing."""
        return self.board.flash.bytes - self.flash_bytes

    @property
    def ram_left(self) -> int:
        """Bytes of RAM that stay free; below zero: that are missing."""
        return self.board.ram.bytes - self.ram_bytes

    @property
    def fits(self) -> bool:
        """Whether nothing is missing."""
        return self.flash_left >= 0 and self.ram_left >= 0

    @property
    def missing_bytes(self) -> int:
        """Of flash and RAM together; 0 where it fits."""
        return max(0, -self.flash_left) + max(0, -self.ram_left)

    def __str__(self) -> str:
        """What is too much, in words: "… bytes of flash too many (… of …)"."""
        too_much = [
            f"{-left:,} bytes of {kind} too many ({needed:,} of {memory.bytes:,})"
            for kind, left, needed, memory in (
                ("flash", self.flash_left, self.flash_bytes, self.board.flash),
                ("RAM", self.ram_left, self.ram_bytes, self.board.ram),
            )
            if left < 0
        ]
        return " and ".join(too_much) or f"{self.flash_left:,} bytes of flash and {self.ram_left:,} of RAM left"


def boards_that_hold(fit: Fit) -> tuple[str, ...]:
    """Names of the boards that come with tinyprop and hold as many bytes as `fit` counts, the smallest RAM first.

    Code of another family of cores is some percent larger or smaller: only building for it says for sure.
    """
    boards = [load_board(name) for name in board_names()]
    enough = [board for board in boards if board.holds(fit.flash_bytes, fit.ram_bytes)]
    return tuple(board.name for board in sorted(enough, key=lambda board: (board.ram.bytes, board.name)))


def require_fit(fit: Fit, network: str) -> None:
    """Raises UserError, with the boards that would do, when anything is missing."""
    if fit.fits:
        return
    larger = boards_that_hold(fit)
    remedy = f"it would fit {', '.join(larger)}" if larger else "no board tinyprop knows is large enough"
    raise UserError(
        f"the network '{network}' does not fit {fit.board.title}: {fit}, a sample and a stack of "
        f"{fit.board.stack_bytes:,} bytes included; {remedy}, or make the network smaller."
    )
