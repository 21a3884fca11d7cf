"""The host benchmark for machines."""

import msgspec

from tinyprop.bench.on_host.records import OURS, HostReport


def json_of(report: HostReport) -> bytes:
    """{"networks": {network: ratios}} and beside it every field of the report, each round of each run included.

    Ratios are null where a trainer was absent.
    """
    ratios = {
        network: {
            "over_pytorch": report.over_pytorch(network, OURS),
            "over_executorch": report.over_executorch(network, OURS),
            "ram_over_executorch": report.ram_over_executorch(network),
        }
        for network in report.networks
    }
    content = {"networks": ratios, **msgspec.to_builtins(report)}
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"
