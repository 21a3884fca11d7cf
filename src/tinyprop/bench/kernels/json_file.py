"""The kernel benchmark for machines."""

import msgspec

from tinyprop.bench.kernels.records import KernelReport


def json_of(report: KernelReport) -> bytes:
    """{"kernels": [...], "layouts": [...], "cost_vs_k": [...]} and beside them what they were measured with.

    A kernel: its case, "ours", "theirs", "theirs_fused" as {instructions, cycles} (null without CMSIS-DSP), "ratio" of
    instructions and "per_mac" of ours. A layout: its case, "ours", "theirs", "ratio". A curve: costs by "kept" and the
    line through those up to "fitted_up_to".
    """
    kernels = [
        {**msgspec.to_builtins(one), "ratio": one.ratio, "per_mac": one.ours.instructions / one.macs}
        for one in report.compared
    ]
    whole = msgspec.to_builtins(report)
    measured_with = {key: whole[key] for key in ("board", "estimate", "library", "missing", "compilers", "versions")}
    layouts = [{**msgspec.to_builtins(one), "ratio": one.ratio} for one in report.laid_out]
    content = {"kernels": kernels, "layouts": layouts, "cost_vs_k": whole["curves"], **measured_with}
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"
