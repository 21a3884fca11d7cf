"""Settings of sound features → SourceTree: their tables, and calls into the kernel library, for the device."""

import hashlib
import re

import numpy as np

from tinyprop.codegen.generate import INLINE, SIZE, engine_files, render, tool_version
from tinyprop.codegen.literals import c_float
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.errors import UserError, unknown_name
from tinyprop.features.settings import Features, Mfcc, Stacked
from tinyprop.features.tables import Tables, tables_of

# The kernels that a size build links; inlined ones need no list.
KERNELS = ("tp_window_f32", "tp_rfft_f32", "tp_power_f32", "tp_bands_f32", "tp_log_f32", "tp_dense_fwd_f32")
FUNCTIONS = ("tp_logf", "tp_sqrtf")


def sound_sources(features: Features, name: str = "sound", kernels: str = INLINE) -> SourceTree:
    """The C99 sources `name.h` and `name.c` that compute `features` of 16-bit samples, and the engine they call.

    name: prefix of all names in them. kernels: INLINE or SIZE. The same settings give the same bytes on every run, and
    the C the bits of `tinyprop.features.extract`. Raises UserError.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise UserError(f"the name '{name}' cannot begin names in C: use letters, digits and '_', a letter first.")
    if kernels not in (INLINE, SIZE):
        raise unknown_name("way to compile kernels", kernels, (INLINE, SIZE))
    tables, mel = tables_of(features), features.mel
    single = features.of if isinstance(features, Stacked) else features
    context = {
        "name": name,
        "stamp": _stamp(features, tables),
        "settings": str(features),
        "inline": int(kernels == INLINE),
        "mel": mel,
        "values": single.values,
        "stacked": features.frames,
        "is_mfcc": isinstance(single, Mfcc),
        "scratch": mel.fft + (mel.bands if isinstance(single, Mfcc) else 0),
        "flash": _flash_bytes(tables),
        "floor": c_float(tables.floor),
        "scale": c_float(tables.scale),
        "window": _rows(tables.window),
        "twiddles": _rows(tables.twiddles),
        "bands": _rows_of([f"{{{first}U, {bins}U}}" for first, bins in tables.bands.tolist()]),
        "weights": _rows(tables.weights),
        "dct": [] if tables.dct is None else _rows(tables.dct.reshape(-1)),
        "counts": {"twiddles": tables.twiddles.size, "weights": tables.weights.size},
    }
    own = {f"{name}{suffix}": render(f"sound{suffix}.j2", context) for suffix in (".h", ".c")}
    linked = [f"engine/src/{kernel}.c" for kernel in (*KERNELS, *FUNCTIONS)] if kernels == SIZE else []
    return SourceTree(
        name=name,
        files=dict(sorted({**own, **engine_files()}.items())),
        sources=(f"{name}.c", *sorted(linked)),
        include_dirs=(".", "engine/include"),
    )


def _stamp(features: Features, tables: Tables) -> str:
    """What the files came from: the tool's version and a hash of the settings and tables, no date and no path."""
    arrays = (tables.window, tables.twiddles, tables.bands, tables.weights, tables.dct)
    content = b"".join(array.tobytes() for array in arrays if array is not None)
    digest = hashlib.sha256(f"{features}\n".encode() + content).hexdigest()
    return f"{tool_version()}, settings {digest[:16]}"


def _flash_bytes(tables: Tables) -> int:
    arrays = (tables.window, tables.twiddles, tables.bands, tables.weights, tables.dct)
    return sum(array.nbytes for array in arrays if array is not None)


def _rows(values: np.ndarray) -> list[str]:
    return _rows_of([c_float(value) for value in values])


def _rows_of(literals: list[str], width: int = 6) -> list[str]:
    return [", ".join(literals[i : i + width]) + "," for i in range(0, len(literals), width)]
