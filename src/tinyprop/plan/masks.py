"""Which masks are packed: those without which a training step would need more memory."""

from collections.abc import Collection

from tinyprop.ir.masks import maskable, with_masks
from tinyprop.ir.train_program import TrainProgram
from tinyprop.plan.lifetimes import storage_of
from tinyprop.plan.plan import most_live_bytes


def with_useful_masks(train: TrainProgram) -> TrainProgram:
    """`train` with as few masks as make the most that is alive at one time as small as all of them would.

    Starts with every mask and takes back, the largest first, what makes no difference: a mask costs instructions
    forward and backward, and a few bytes where an error could have overwritten the activation. No plan gets larger.
    """
    sizes = {value: train.program.values[value].size for value in maskable(train)}

    def peak(values: Collection[str]) -> int:
        return most_live_bytes(storage_of(with_masks(train, values)).buffers)

    kept = tuple(sizes)
    least = peak(kept)
    for value in sorted(sizes, key=lambda value: -sizes[value]):
        fewer = tuple(other for other in kept if other != value)
        if (needed := peak(fewer)) <= least:
            kept, least = fewer, needed
    return with_masks(train, kept) if least < peak(()) else train
