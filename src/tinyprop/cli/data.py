"""`tinyprop data`: lists, fetches and shows data sets."""

from typing import Annotated

from cyclopts import App, Parameter

from tinyprop.cli.parameters import JsonPath, console

data_app = App(
    name="data",
    help="List the data sets, and which of them are on this machine; fetch one; show what one holds.",
    help_epilogue="Examples:  tinyprop data  ·  tinyprop data fetch mnist  ·  tinyprop data show mnist",
)
Setting = Annotated[str, Parameter(help="a setting of the data set, such as side=32", negative=())]


@data_app.default
def data_list(*, json: JsonPath = None) -> int:
    """List the data sets, and which of them are on this machine.

    Example: tinyprop data --json build/data.json
    """
    from tinyprop.bench.data_command import data_list_command

    return data_list_command(console, json_path=json)


@data_app.command(name="fetch")
def data_fetch(name: Annotated[str, Parameter(help="a name from `tinyprop data`")], *settings: Setting) -> int:
    """Download the official files of a data set into the cache, verify them, and say where they are.

    A download that broke off goes on where it stopped. TINYPROP_CACHE names another folder for the cache.

    Example: tinyprop data fetch cifar10  ·  tinyprop data fetch dcase2020 machine=fan
    """
    from tinyprop.bench.data_command import data_fetch_command

    return data_fetch_command(console, name, settings)


@data_app.command(name="show")
def data_show(
    name: Annotated[str, Parameter(help="a name from `tinyprop data`")], *settings: Setting, json: JsonPath = None
) -> int:
    """Read a data set and say what each part holds.

    Example: tinyprop data show har_windows --json build/har.json
    """
    from tinyprop.bench.data_command import data_show_command

    return data_show_command(console, name, settings, json_path=json)
