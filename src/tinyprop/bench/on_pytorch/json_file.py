"""The PyTorch benchmark for machines."""

import msgspec

from tinyprop.bench.on_pytorch.records import PytorchReport


def json_of(report: PytorchReport) -> bytes:
    """{"networks": {network: {row: times dense}}} and beside it every field of the report, each round included."""
    ratios = {
        network: {row.label: round(report.over_dense(row), 4) for row in report.rows_of(network)}
        for network in report.networks
    }
    content = {"networks": ratios, **msgspec.to_builtins(report)}
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"
