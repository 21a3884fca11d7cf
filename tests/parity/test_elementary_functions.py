"""tp_expf and its like: the C functions equal their NumPy twins bit for bit, and the truth within a few ulp."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinyprop.errors
from tinyprop.ir.elementary import expf, logf, sigmoidf, tanhf

ENGINE = Path(tinyprop.errors.__file__).parent / "engine"
FUNCTIONS = ("tp_expf", "tp_logf", "tp_sqrtf", "tp_sigmoidf", "tp_tanhf")
FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Wvla"]
FLAGS += ["-Werror", "-ffp-contract=off"]
# Whatever is undefined ends the tests; a conversion out of range is only found when asked for.
TRAPS = ["-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error"]
EDGES = np.float32([0, 1, 87.33654, 88.72283, 88.72284, 89, 89.5, 103, 103.9720, 103.9722, 104, 105, np.inf, np.nan])
FloatArray = np.ndarray


def every_sort_of_float() -> FloatArray:
    """Two million float32: edges, evenly spread bit patterns (subnormals and NaN included), the usual range."""
    rng = np.random.default_rng(0)
    patterns = (np.arange(1_200_000, dtype=np.uint64) * 3579 % 2**32).astype(np.uint32).view(np.float32)
    usual = rng.uniform(-104, 89, 600_000).astype(np.float32)
    near_one = (1 + rng.normal(0, 0.1, 200_000)).astype(np.float32)
    return np.concatenate([EDGES, -EDGES, patterns, usual, near_one])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Callable[[FloatArray], FloatArray]]:
    """The C functions, each compiled alone, called over an array in C."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no host C compiler: install gcc")
    traps = TRAPS if shutil.which("gcc") else []
    folder = tmp_path_factory.mktemp("elementary")
    loops = ['#include "tp_math.h"', "#include <stddef.h>"]
    for name in FUNCTIONS:
        loops.append(f"void map_{name}(const float *x, float *y, size_t n);")
        loops.append(f"void map_{name}(const float *x, float *y, size_t n)")
        loops.append(f"{{ for (size_t i = 0; i < n; i++) {{ y[i] = {name}(x[i]); }} }}")
    (folder / "loops.c").write_text("\n".join(loops) + "\n")
    sources = [folder / "loops.c", *(ENGINE / "src" / f"{name}.c" for name in FUNCTIONS)]
    for source in sources:
        unit = ["-c", source, "-o", folder / f"{source.stem}.o"]
        subprocess.run([compiler, *FLAGS, *traps, "-fPIC", f"-I{ENGINE / 'include'}", *unit], check=True)
    library = folder / "elementary.so"
    subprocess.run([compiler, "-shared", *(folder / f"{s.stem}.o" for s in sources), "-o", library], check=True)
    loaded = ctypes.CDLL(str(library))

    def mapped(name: str) -> Callable[[FloatArray], FloatArray]:
        def call(x: FloatArray) -> FloatArray:
            y = np.empty_like(x)
            arrays = (ctypes.c_void_p(array.ctypes.data) for array in (x, y))
            getattr(loaded, f"map_{name}")(*arrays, ctypes.c_size_t(x.size))
            return y

        return call

    return {name: mapped(name) for name in FUNCTIONS}


def assert_within_ulp(got: FloatArray, truth: FloatArray, ulp: float) -> None:
    """truth: float64. Infinite and NaN places must agree, finite ones within `ulp` units in the last place."""
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = truth.astype(np.float32)
    finite = np.isfinite(rounded) & np.isfinite(got)
    np.testing.assert_array_equal(got[~finite], rounded[~finite])
    spacing = np.spacing(np.abs(rounded[finite])).astype(np.float64)
    assert np.max(np.abs(got[finite] - truth[finite]) / spacing) <= ulp


def bits(x: FloatArray) -> FloatArray:
    """The bit patterns, so that NaN and -0 are compared too."""
    return x.view(np.uint32)


def sigmoid(x: FloatArray) -> FloatArray:
    """In float64, small results with all their bits."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


@pytest.mark.parametrize(
    ("twin", "truth", "ulp"), [(expf, np.exp, 2), (logf, np.log, 2), (sigmoidf, sigmoid, 3), (tanhf, np.tanh, 2)]
)
def test_c_equals_numpy_twin_and_truth(engine, twin, truth, ulp) -> None:
    x = every_sort_of_float()
    got = engine[f"tp_{twin.__name__}"](x)
    np.testing.assert_array_equal(bits(got), bits(twin(x)))
    with np.errstate(all="ignore"):
        exact = truth(x.astype(np.float64))
    assert_within_ulp(got, exact, ulp)


def test_sqrt_is_correctly_rounded(engine) -> None:
    x = every_sort_of_float()
    got = engine["tp_sqrtf"](x)
    with np.errstate(invalid="ignore"):
        exact = np.sqrt(x)
    number = ~np.isnan(exact)
    np.testing.assert_array_equal(bits(got[number]), bits(exact[number]))
    np.testing.assert_array_equal(bits(got[~number]), np.uint32(0x7FC00000))


def test_twins_take_any_shape() -> None:
    assert expf(np.zeros((2, 3), np.float32)).shape == (2, 3)
    assert expf(np.float32(0)).shape == ()
    assert logf(np.float32(1)) == 0
    assert logf(np.ones((4,), np.float32)).dtype == np.float32
    assert sigmoidf(np.float32(0)) == np.float32(0.5)
    assert tanhf(np.zeros((1, 2), np.float32)).shape == (1, 2)
