"""The `tinyprop` command: thin shells around what Python users call. One table says which there are."""

import sys

from cyclopts import App, Group
from rich.console import Console
from rich.markup import escape

from tinyprop.cli.benchmarks import (
    bench,
    bench_host,
    bench_kernels,
    bench_networks,
    bench_pytorch,
    networks,
    powerloss,
    soak,
)
from tinyprop.cli.checkpoint import checkpoint_app
from tinyprop.cli.data import data_app
from tinyprop.cli.device import device_app
from tinyprop.cli.experiments import compare, demo, floors, report, tune
from tinyprop.cli.models import boards, choose, export, fit, memory, methods
from tinyprop.errors import TinypropError

COMMANDS = {
    "From a model to a board": (demo, methods, memory, choose, boards, fit, export),
    "In the field": (device_app, checkpoint_app),
    "Comparing methods": (data_app, floors, compare, tune, report),
    "Counting and proving": (
        *(bench, networks, bench_networks, bench_kernels, bench_host, bench_pytorch),
        *(powerloss, soak),
    ),
}

app = App(
    name="tinyprop",
    help="PyTorch models that keep learning on a microcontroller.",
    help_epilogue="Examples:  tinyprop demo  ·  tinyprop memory model.pt2  ·  tinyprop export model.pt2 firmware/",
    version_flags=["--version"],
)
for title, commands in COMMANDS.items():
    group = Group.create_ordered(title)
    for command in commands:
        if isinstance(command, App):  # has its own group
            command.group = group
            app.command(command)
        else:
            app.command(command, group=group)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; an error tinyprop raises on purpose becomes one sentence and exit status 1."""
    try:
        sys.exit(app(arguments))
    except TinypropError as error:
        Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped.")
        sys.exit(130)
