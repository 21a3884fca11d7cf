"""What the kernel benchmark finds: frozen records without a line of layout."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinyprop.bench.kernels.layouts import LaidOut
from tinyprop.bench.kernels.sweeps import Curve
from tinyprop.bench.kernels.workbench import Cost


@dataclass(frozen=True)
class Compared:
    """One computation by one compiler; title to differs: as in Case.

    theirs: CMSIS-DSP with our flags; theirs_fused: where the compiler may contract products and sums; both None where
    its sources were not to be had.
    """

    title: str
    size: str
    macs: int
    toolchain: str
    functions: tuple[str, ...]
    differs: str
    ours: Cost
    theirs: Cost | None
    theirs_fused: Cost | None

    @property
    def ratio(self) -> float | None:
        """Instructions of theirs over ours: above 1 ours takes fewer."""
        return None if self.theirs is None else self.theirs.instructions / self.ours.instructions


@dataclass(frozen=True)
class KernelReport:
    """compilers: toolchain → name and version. library: whose kernels are beside ours; missing: why there are none."""

    board: str
    estimate: str
    library: str
    missing: str
    compared: tuple[Compared, ...]
    laid_out: tuple[LaidOut, ...]
    curves: tuple[Curve, ...]
    compilers: Mapping[str, str]
    versions: Mapping[str, str]
