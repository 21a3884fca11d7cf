"""`tinyprop checkpoint`: what a device saved."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from tinyprop.cli.parameters import JsonPath, console

checkpoint_app = App(
    name="checkpoint",
    help="What a device saved: show it, compare two, convert to and from safetensors.",
    help_epilogue="Examples:  tinyprop checkpoint show pulled.tpck --state firmware/digits_state.json  ·  tinyprop "
    "checkpoint convert pulled.tpck learned.safetensors --state firmware/digits_state.json",
)
StatePath = Annotated[Path | None, Parameter(help="NAME_state.json of the exported project, for names of weights")]


@checkpoint_app.command(name="show")
def checkpoint_show(
    file: Annotated[Path, Parameter(help="a checkpoint, or a dump of the flash that holds some")],
    *,
    state: StatePath = None,
    json: JsonPath = None,
) -> int:
    """Show what every whole checkpoint in a file holds.

    Example: tinyprop checkpoint show flash.bin --state firmware/digits_state.json
    """
    from tinyprop.bench.checkpoint_command import show_command

    return show_command(console, file, layout_path=state, json_path=json)


@checkpoint_app.command(name="diff")
def checkpoint_diff(first: Path, second: Path, *, state: StatePath = None, json: JsonPath = None) -> int:
    """Say how two checkpoints of one program differ; exit status 1 where they do.

    Example: tinyprop checkpoint diff monday.tpck tuesday.tpck --state firmware/digits_state.json
    """
    from tinyprop.bench.checkpoint_command import diff_command

    return diff_command(console, first, second, layout_path=state, json_path=json)


@checkpoint_app.command(name="plan")
def checkpoint_plan(
    state: Annotated[Path, Parameter(help="NAME_state.json of an exported project")],
    *,
    boards: Annotated[
        list[str] | None, Parameter(negative=(), consume_multiple=True, help="names, .toml files; default: all")
    ] = None,
    slots: Annotated[int, Parameter(help="that take turns, 2 or more")] = 2,
    saves_per_day: Annotated[float, Parameter(help="how often a day the device saves")] = 24.0,
    extra: Annotated[int, Parameter(help="bytes of your own that are saved as well, such as a sample store's")] = 0,
    json: JsonPath = None,
) -> int:
    """Say how much flash checkpoints take on each board, and after how many years it is worn.

    Example: tinyprop checkpoint plan firmware/digits_state.json --boards nano33ble rp2040 --saves-per-day 96
    """
    from tinyprop.bench.checkpoint_plan_command import plan_command

    return plan_command(
        console,
        state,
        boards or ["all"],
        slots=slots,
        saves_per_day=saves_per_day,
        extra_bytes=extra,
        json_path=json,
    )


@checkpoint_app.command(name="convert")
def checkpoint_convert(
    source: Annotated[Path, Parameter(help="a checkpoint, or a .safetensors file")],
    target: Annotated[Path, Parameter(help="a .safetensors file, or a checkpoint")],
    *,
    state: Annotated[Path, Parameter(help="NAME_state.json of the exported project")],
) -> int:
    """Make safetensors of a checkpoint, which PyTorch loads, or a checkpoint of safetensors, which the device does.

    Example: tinyprop checkpoint convert learned.safetensors push.tpck --state firmware/digits_state.json
    """
    from tinyprop.bench.checkpoint_command import convert_command

    return convert_command(console, source, target, layout_path=state)
