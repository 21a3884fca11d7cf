"""Kernels alone: what is compared, that both sides compute the same, and that cost is linear in k."""

import json
import subprocess
from dataclasses import replace
from io import StringIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

from tinyprop.bench import bench_kernels_command as command
from tinyprop.bench.kernels import cmsis_dsp, run
from tinyprop.bench.kernels.cases import CASES, SOURCES, addition, dense_forward
from tinyprop.bench.kernels.cmsis_dsp import cmsis_dsp_files
from tinyprop.bench.kernels.figure import picture
from tinyprop.bench.kernels.json_file import json_of
from tinyprop.bench.kernels.layouts import LAYOUTS, LaidOut, laid_out
from tinyprop.bench.kernels.layouts import dense_backward as backward_in_layouts
from tinyprop.bench.kernels.records import Compared, KernelReport
from tinyprop.bench.kernels.run import compare, run_kernels
from tinyprop.bench.kernels.sweeps import Curve, convolution_backward, dense_backward, dense_update, swept
from tinyprop.bench.kernels.table import curves_table, kernels_table, layouts_table, notes
from tinyprop.bench.kernels.workbench import Cost, Piece, workbench
from tinyprop.errors import InternalError, UserError
from tinyprop.targets import load_board

ROOT = Path(__file__).parents[3]
NANO, RISCV = load_board("nano33ble"), load_board("esp32c3")

# A library with CMSIS-DSP's interface, as slow as can be, so that no network is needed.
TYPES = "typedef struct { unsigned short numRows, numCols; float *pData; } arm_matrix_instance_f32;\n"
STAND_IN = {
    "Include/dsp/basic_math_functions.h": "void arm_add_f32(const float *, const float *, float *, unsigned int);\n",
    "Include/dsp/matrix_functions.h": TYPES
    + "void arm_mat_vec_mult_f32(const arm_matrix_instance_f32 *, const float *, float *);\n",
    "Include/dsp/statistics_functions.h": "",
    "Source/BasicMathFunctions/arm_add_f32.c": '#include "dsp/basic_math_functions.h"\n'
    "void arm_add_f32(const float *a, const float *b, float *y, unsigned int n)\n"
    "{\n    for (unsigned int i = 0; i < n; i++) {\n        y[i] = a[i] + b[i];\n    }\n}\n",
    "Source/MatrixFunctions/arm_mat_vec_mult_f32.c": '#include "dsp/matrix_functions.h"\n'
    "void arm_mat_vec_mult_f32(const arm_matrix_instance_f32 *m, const float *x, float *y)\n"
    "{\n    for (int r = 0; r < m->numRows; r++) {\n        y[r] = 0.0f;\n"
    "        for (int c = 0; c < m->numCols; c++) {\n            y[r] += m->pData[r * m->numCols + c] * x[c];\n"
    "        }\n    }\n}\n",
}

COMPARED = Compared(
    *("dense forward", "6 → 5", 30, "zig", ("arm_mat_vec_mult_f32",), "another layout"),
    *(Cost(100, 150), Cost(250, 300), Cost(200, 320)),
)
CURVE = Curve("dense update", "4 × 3", "zig", (0, 1, 3), (10, 20, 40), (15, 30, 60), 1, 10.0, 10.0, 1.0)
LAID_OUT = LaidOut("dense update", "4 × 3", "output by output", 2, 0.5, "zig", Cost(100, 150), Cost(130, 180))
REPORT = KernelReport(
    board="a board",
    estimate="a manual",
    library="CMSIS-DSP 1",
    missing="",
    compared=(COMPARED,),
    laid_out=(LAID_OUT,),
    curves=(CURVE,),
    compilers={"zig": "zig 1"},
    versions={"tinyprop": "0"},
)


def printed(*shown: object, width: int = 200) -> str:
    console = Console(file=StringIO(), width=width)
    for one in shown:
        console.print(one)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_a_piece_is_counted_without_what_surrounds_it():
    """Four more instructions in the source are four more in the count; they cost five cycles by hand."""
    plain = Piece({"a": (3,), "out_b": (3,)}, "out_b[kept] = a[kept];")
    more = replace(plain, statements=f'{plain.statements}\n__asm__ volatile("nop; nop; b 1f; 1: nop");')
    with workbench([plain, more], NANO, "zig") as bench:
        a = np.array([1.0, 2.0, 3.0], dtype=np.float32)
        costs = [bench.run(number, {"a": a}, kept=1) for number in (0, 1)]
    for _, arrays in costs:
        assert arrays["out_b"].tolist() == [0.0, 2.0, 0.0]
        assert arrays["a"].tolist() == a.tolist()
    (short, _), (long, _) = costs
    assert 0 < short.instructions < 12
    assert long.instructions - short.instructions == 4
    assert long.cycles - short.cycles == 4  # a branch to the next instruction counts as one not taken


def test_a_board_without_a_table_has_no_estimate():
    with workbench([Piece({"a": (1,)}, "a[0] = 1.0f;")], RISCV, "zig") as bench:
        cost, arrays = bench.run(0, {})
    assert cost.cycles is None
    assert arrays["a"].tolist() == [1.0]


def test_both_sides_run_on_the_same_numbers():
    cases = (addition(20), dense_forward(6, 5))
    for one in compare(cases, NANO, "zig", STAND_IN):
        assert one.theirs.instructions > one.ours.instructions > one.macs
        assert one.theirs_fused is not None
        assert one.ratio == one.theirs.instructions / one.ours.instructions


def test_what_does_not_compute_the_same_is_not_compared():
    path = "Source/BasicMathFunctions/arm_add_f32.c"
    wrong = STAND_IN | {path: STAND_IN[path].replace("+ b[i]", "- b[i]")}
    with pytest.raises(InternalError, match=r"addition 20 and CMSIS-DSP differ by 1\.\d+ in 'out_y'"):
        compare((addition(20),), NANO, "zig", wrong)


def test_without_its_sources_ours_is_measured_alone():
    (one,) = compare((addition(20),), NANO, "zig", {})
    assert one.theirs is one.theirs_fused is one.ratio is None


def test_all_of_our_cases_compile_and_run():
    costs = compare(CASES, NANO, "zig", {})
    assert len(costs) == len(CASES)
    assert all(1.0 < one.ours.instructions / one.macs < 15.0 for one in costs)
    assert {function for case in CASES for function in case.functions} == SOURCES.keys()


def test_sources_that_cannot_be_had_are_one_sentence(monkeypatch, tmp_path):
    failed = subprocess.CompletedProcess([], 1, "", "WARNING: Retrying\nERROR: no route to host")
    monkeypatch.setattr(cmsis_dsp.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(
        UserError, match=r"^the sources of CMSIS-DSP \(.*\) cannot be had .* \(ERROR: no route to host\)\.$"
    ):
        cmsis_dsp_files(tmp_path)


def test_an_archive_that_was_tampered_with_is_not_used(monkeypatch, tmp_path):
    (tmp_path / cmsis_dsp.ARCHIVE).write_bytes(b"something else")
    monkeypatch.setattr(cmsis_dsp, "_fetched", lambda: pytest.fail("fetched"))
    with pytest.raises(pytest.fail.Exception, match="fetched"):
        cmsis_dsp_files(tmp_path)


def test_the_benchmark_goes_on_without_a_network(monkeypatch):
    def unreachable(_folder):
        raise UserError("no network.")

    monkeypatch.setattr(run, "cmsis_dsp_files", unreachable)
    monkeypatch.setattr(run, "CASES", (addition(20),))
    monkeypatch.setattr(run, "LAYOUTS", (backward_in_layouts(16, 8, 3),))
    monkeypatch.setattr(run, "SWEEPS", (dense_update(8, 6),))
    report = run_kernels(lambda *_: None)
    assert (report.library, report.missing) == ("", "no network.")
    assert "Only ours was measured: no network." in notes(report)
    assert "–" in printed(kernels_table(report, "zig"))


def test_both_layouts_run_on_the_same_numbers():
    """Ours is the cheaper one wherever inputs are zero and all is kept, and forward in any case."""
    rows = laid_out(LAYOUTS, NANO, "zig")
    assert [(row.title, row.kept, row.zeros) for row in rows] == [(one.title, one.kept, one.zeros) for one in LAYOUTS]
    assert all(row.ratio > 1 for row in rows if row.kept is None or (row.zeros and row.kept >= 16))


@pytest.mark.parametrize("name", ["x", "weight", "bias"])
def test_a_layout_that_does_not_compute_the_same_is_not_compared(name):
    layout = backward_in_layouts(16, 8, 3, 0.5)
    wrong = replace(layout.theirs, statements=f"{layout.theirs.statements}\n{name}[5] += 0x1p-20f;")
    with pytest.raises(InternalError, match=rf"dense error \+ update 16 × 8 .* differs from ours by .* in '{name}'"):
        laid_out((replace(layout, theirs=wrong),), NANO, "zig")


@pytest.fixture(scope="module")
def curves() -> tuple[Curve, ...]:
    return swept((dense_update(64, 32), dense_backward(16, 64), convolution_backward(4, 8, 8)), NANO, "zig", points=17)


@pytest.mark.parametrize("number", range(3))
def test_cost_grows_linearly_with_what_is_kept(curves, number):
    """Below three eighths of all entries; a fit over so few points, in steps of four columns, is allowed 3 % off."""
    one = curves[number]
    assert one.r_squared > 0.97
    assert one.slope > 0
    assert one.kept[0] == 0
    assert one.instructions[0] < 0.15 * one.instructions[-1]
    up = np.array(one.instructions)[np.array(one.kept) <= one.fitted_up_to]
    assert (np.diff(up) > 0).all()


@pytest.mark.parametrize("number", range(3))
def test_keeping_less_is_hardly_ever_dearer_than_keeping_all(curves, number):
    """At the switch from a list to the plain row the list may cost up to a tenth more."""
    one = curves[number]
    assert max(one.instructions) <= 1.10 * one.instructions[-1]


def test_tables_show_ratio_and_fit():
    text = printed(kernels_table(REPORT, "zig"), layouts_table(REPORT, "zig"), curves_table(REPORT))
    assert "2.50×" in text
    assert "1.30×" in text
    assert "1.20×" in text  # of cycles
    assert "3.33" in text  # per multiply-add
    assert "1.0000" in text
    assert "dense forward: another layout" in " ".join(notes(REPORT))


def test_json_has_ratio_and_curves():
    content = json.loads(json_of(REPORT))
    assert content["kernels"][0]["ratio"] == 2.5
    assert content["kernels"][0]["theirs_fused"] == {"instructions": 200, "cycles": 320}
    assert content["layouts"][0]["ratio"] == 1.3
    assert content["cost_vs_k"][0]["kept"] == [0, 1, 3]
    assert content["library"] == "CMSIS-DSP 1"


@pytest.mark.parametrize(("kind", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_picture_of_each_kind_is_the_same_each_time(kind, begin):
    assert picture((CURVE,), kind).startswith(begin)
    assert picture((CURVE,), kind) == picture((CURVE,), kind)


def test_the_command_writes_what_it_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "run_kernels", lambda advance: REPORT)
    console = Console(file=StringIO(), width=200)
    paths = {"json_path": tmp_path / "k.json", "picture_path": tmp_path / "k.svg"}
    assert command.bench_kernels_command(console, **paths) == 0
    assert all(path.stat().st_size > 100 for path in paths.values())
    with pytest.raises(UserError, match=r"k\.gif.*name a \.png or \.svg file"):
        command.bench_kernels_command(console, json_path=None, picture_path=tmp_path / "k.gif")


def test_the_documented_output_is_the_committed_result():
    """The tables in docs/benchmark.md are those of results/bench-kernels.json."""
    content = json.loads((ROOT / "results" / "bench-kernels.json").read_text(encoding="utf-8"))
    whole = content | {"compared": content["kernels"], "laid_out": content["layouts"], "curves": content["cost_vs_k"]}
    report = msgspec.convert(whole, KernelReport)
    documented = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    by_compiler = [table(report, one) for table in (kernels_table, layouts_table) for one in report.compilers]
    for table in (*by_compiler, curves_table(report)):
        assert printed(table, width=120) in documented
