"""The cuts for machines."""

import msgspec

from tinyprop.bench.power_loss.records import PowerLossReport


def json_of(report: PowerLossReport) -> bytes:
    """{"cases": [{geometry, kind, tried, lost, mixed, …}], "saves": […]} and the versions."""
    return msgspec.json.format(msgspec.json.encode(msgspec.to_builtins(report))) + b"\n"
