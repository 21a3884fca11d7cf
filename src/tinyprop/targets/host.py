"""HostEngine: the C engine as a shared library of this machine, counting what it does. It is the simulator."""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from tinyprop.codegen.source_tree import SourceTree
from tinyprop.errors import InternalError, UserError
from tinyprop.targets.compilation import compile_tree, link
from tinyprop.targets.engine import Engine, Facts
from tinyprop.targets.part import Part
from tinyprop.targets.toolchain import host_compiler
from tinyprop.trace import StepTrace

SHIM = Path(__file__).parent / "c" / "host_shim.c"
# Between two calls into C Python can show progress and take Ctrl-C. A call should take far longer than getting there,
# and no second; how long a step takes goes with the memory it moves.
CHUNK_BYTES, LONGEST_CHUNK, SHORTEST_CHUNK = 2**24, 4096, 16
COLUMN_TYPES: dict[str, type] = {
    "loss": np.float32,
    "predicted": np.uint32,
    "skipped": np.uint32,
    "macs_forward": np.uint64,
    "macs_backward": np.uint64,
    "looks": np.uint64,
}


COUNTS = ("inputs", "outputs", "layers", "parameters", "memory_bytes", "state_words", "identity")


class _Program(ctypes.Structure):
    """tp_program of tinyprop.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        *((count, ctypes.c_uint32) for count in COUNTS),
        *((pointer, ctypes.c_void_p) for pointer in ("initial", "infer", "train", "train_target")),
    ]


class _Model(ctypes.Structure):
    """tp_model of tinyprop.h."""

    _fields_ = [("program", ctypes.c_void_p), ("memory", ctypes.c_void_p)]


class _Trace(ctypes.Structure):
    """host_trace of host_shim.c."""

    _fields_ = [
        (column, ctypes.c_void_p)
        for column in ("loss", "predicted", "skipped", "kept", "macs_forward", "macs_backward", "looks")
    ]


class HostEngine(Engine):
    """The network of `tree` compiled for this machine. Many engines may share a compiled library: each has its memory.

    wide: whether inlined convolutions compute eight results at a time, to the same bits (engine/include/tp_wide.h).
    Raises UserError when the toolchain is missing or input_shape is not the network's.
    """

    def __init__(
        self,
        tree: SourceTree,
        input_shape: tuple[int, ...],
        toolchain: str = "zig",
        optimise: str | None = None,
        *,
        wide: bool = True,
    ) -> None:
        self._library = _load(tree, toolchain, optimise, wide)
        program = self._library.host_program_facts().contents
        super().__init__(
            Facts(**{count: getattr(program, count) for count in COUNTS}, learns_targets=bool(program.train_target)),
            input_shape,
            target="host",
            chunk=max(SHORTEST_CHUNK, min(LONGEST_CHUNK, CHUNK_BYTES // max(1, program.memory_bytes))),
            latent_size=tree.latent_size,
        )
        self._program = ctypes.addressof(program)
        self._parts = {Part.WHOLE: self._program}
        if tree.latent_size:
            names = {Part.PREFIX: f"{tree.name}_prefix", Part.FROM_LATENT: f"{tree.name}_from_latent"}
            self._parts |= {part: ctypes.addressof(_Program.in_dll(self._library, n)) for part, n in names.items()}
        self._memory = np.zeros(-(-program.memory_bytes // 8), dtype=np.float64)  # aligned for any C type
        self._model = _Model()
        self._open = True
        self.reset()

    def parameters(self) -> np.ndarray:
        values = np.empty(self.facts.parameters, dtype=np.float32)
        self._demand(self._library.tp_get_parameters(self._handle(), values.ctypes.data))
        return values

    def reset(self) -> None:
        memory, program = ctypes.c_void_p(self._memory.ctypes.data), ctypes.c_void_p(self._program)
        size = ctypes.c_size_t(self._memory.nbytes)
        self._demand(self._library.tp_init(self._handle(), program, memory, size))

    def close(self) -> None:
        self._open = False

    def _handle(self) -> Any:
        if not self._open:
            raise UserError("this engine is closed: build another one.")
        return ctypes.byref(self._model)

    def _train(self, samples: np.ndarray, truths: np.ndarray, rate: float) -> tuple[StepTrace, int]:
        done = ctypes.c_uint32()
        columns = self._columns(len(samples))
        trace = _Trace(**{name: column.ctypes.data for name, column in columns.items()})
        status = self._library.host_fit(
            self._running(),
            samples.ctypes.data,
            truths.ctypes.data,
            len(samples),
            rate,
            ctypes.byref(trace),
            ctypes.byref(done),
        )
        return _as_trace({name: column[: done.value] for name, column in columns.items()}), status

    def _running(self) -> Any:
        """The handle of the part that is to run: a program of its own in the same memory."""
        handle = self._handle()
        self._model.program = self._parts[self._part]
        return handle

    def _columns(self, n: int) -> dict[str, np.ndarray]:
        """Room for what n steps report."""
        columns: dict[str, np.ndarray] = {name: np.empty(n, dtype=kind) for name, kind in COLUMN_TYPES.items()}
        return columns | {"kept": np.empty((n, self.facts.layers), dtype=np.uint32)}

    def _infer(self, samples: np.ndarray) -> tuple[np.ndarray, int]:
        outputs = np.empty((len(samples), self._outputs), dtype=np.float32)
        done = ctypes.c_uint32()
        status = self._library.host_infer(
            self._running(), samples.ctypes.data, len(samples), outputs.ctypes.data, ctypes.byref(done)
        )
        return outputs[: done.value], status

    def _set_parameters(self, values: np.ndarray) -> None:
        self._demand(self._library.tp_set_parameters(self._handle(), values.ctypes.data))

    def _state(self) -> np.ndarray:
        self._handle()
        return self._memory.view(np.uint32)[: self.facts.state_words].copy()

    def _set_state(self, state: np.ndarray) -> None:
        self._handle()
        self._memory.view(np.uint32)[: self.facts.state_words] = state

    def _explain(self, status: int) -> str:
        return str(self._library.tp_strerror(status).decode())

    def _demand(self, status: int) -> None:
        if status != 0:
            raise InternalError(f"the host library refused a checked call: {self._explain(status)}.")


def _as_trace(columns: dict[str, np.ndarray]) -> StepTrace:
    integers = {name: column.astype(np.int64) for name, column in columns.items() if name not in ("loss", "skipped")}
    return StepTrace(loss=columns["loss"], skipped=columns["skipped"].astype(bool), **integers)


def _load(tree: SourceTree, toolchain: str, optimise: str | None, wide: bool) -> ctypes.CDLL:
    """The shared library of `tree`, with counters, and the types of its functions."""
    network = (
        f'#include "{tree.name}.h"\n'
        f"extern const tp_program *const host_program;\n"
        f"const tp_program *const host_program = &{tree.name};\n"
    )
    shim = {"shim/host_shim.c": SHIM.read_text(encoding="utf-8"), "shim/network.c": network}
    whole = SourceTree(tree.name, {**tree.files, **shim}, (*tree.sources, *shim), tree.include_dirs)
    compiler = host_compiler(toolchain, optimise)
    defines = ("TP_INSTRUMENT", "TP_WIDE") if wide else ("TP_INSTRUMENT",)
    library = ctypes.CDLL(str(link(compile_tree(whole, compiler, defines), compiler, ".so")))
    pointer, count = ctypes.c_void_p, ctypes.c_uint32
    library.host_program_facts.restype = ctypes.POINTER(_Program)
    library.host_fit.argtypes = [pointer, pointer, pointer, count, ctypes.c_float, pointer, pointer]
    library.host_infer.argtypes = [pointer, pointer, count, pointer, pointer]
    library.tp_get_parameters.argtypes = [pointer, pointer]
    library.tp_set_parameters.argtypes = [pointer, pointer]
    library.tp_strerror.restype = ctypes.c_char_p
    return library
