"""Commands that count, time and prove: bench and its kin, powerloss, soak."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tinyprop.cli.parameters import JsonPath, console


def bench(
    *,
    json: JsonPath = None,
    write_ceilings: Annotated[bool, Parameter(negative=(), help="accept today's counts as the new ceilings")] = False,
) -> int:
    """Count instructions per training step on the emulated Cortex-M4F, beside other trainers.

    Example: tinyprop bench --json build/bench.json
    """
    from tinyprop.bench.bench_command import bench_command

    return bench_command(console, json_path=json, write_ceilings=write_ceilings)


def networks(*, json: JsonPath = None) -> int:
    """Print what training costs in RAM on the networks of `tinyprop.models` and of the benchmark.

    Example: tinyprop networks --json build/networks.json
    """
    from tinyprop.bench.networks_command import networks_command

    return networks_command(console, json_path=json)


def bench_networks(*, json: JsonPath = None) -> int:
    """Train the networks of the field on emulated boards, a few steps under every method, and count instructions.

    Example: tinyprop bench-networks --json build/bench-networks.json
    """
    from tinyprop.bench.on_boards_command import on_boards_command

    return on_boards_command(console, json_path=json)


def bench_kernels(
    *,
    json: JsonPath = None,
    picture: Annotated[Path | None, Parameter(help="draw cost against k, .png or .svg")] = None,
) -> int:
    """Count instructions of single kernels on the emulated Cortex-M4F, beside CMSIS-DSP's, and against k.

    Example: tinyprop bench-kernels --json build/bench-kernels.json --picture build/cost_vs_k.png
    """
    from tinyprop.bench.bench_kernels_command import bench_kernels_command

    return bench_kernels_command(console, json_path=json, picture_path=picture)


def bench_host(*, json: JsonPath = None) -> int:
    """Time one training step on this machine: our host engine, PyTorch and, where it is installed, ExecuTorch.

    Example: tinyprop bench-host --json build/bench-host.json
    """
    from tinyprop.bench.bench_host_command import bench_host_command

    return bench_host_command(console, json_path=json)


def bench_pytorch(*, json: JsonPath = None) -> int:
    """Time one training step in PyTorch on this machine under every method, beside plain dense training.

    Example: tinyprop bench-pytorch --json build/bench-pytorch.json
    """
    from tinyprop.bench.bench_pytorch_command import bench_pytorch_command

    return bench_pytorch_command(console, json_path=json)


def powerloss(*, json: JsonPath = None) -> int:
    """Cut power at every operation of an emulated flash while a device saves, and look what is there afterwards.

    Example: tinyprop powerloss --json build/powerloss.json
    """
    from tinyprop.bench.power_loss_command import power_loss_command

    return power_loss_command(console, json_path=json)


def soak(*, json: JsonPath = None) -> int:
    """Learn a million steps here and 100,000 on an emulated board, through resets, bad samples and saves that are cut.

    Example: tinyprop soak --json build/soak.json
    """
    from tinyprop.bench.soak_command import soak_command

    return soak_command(console, json_path=json)
