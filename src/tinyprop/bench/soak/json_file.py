"""The long lives for machines."""

import msgspec

from tinyprop.bench.soak.records import SoakReport


def json_of(report: SoakReport) -> bytes:
    """{"runs": [{target, method, steps, lost, mismatches, …}]} and the versions."""
    return msgspec.json.format(msgspec.json.encode(msgspec.to_builtins(report))) + b"\n"
