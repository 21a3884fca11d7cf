"""Commands that train and compare: demo, compare, tune, report, floors."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tinyprop.cli.parameters import JsonPath, Processes, Scheduler, console

ReportPath = Annotated[Path, Parameter(help="where the HTML report goes")]


def demo(
    *,
    json: JsonPath = None,
    report: ReportPath = Path("build/report.html"),
    quick: Annotated[
        bool, Parameter(negative=(), help="one seed, few samples: a minute; accuracies mean nothing")
    ] = False,
) -> int:
    """Train on an emulated board under five methods and compare them.

    Example: tinyprop demo --json build/demo.json --report build/report.html
    """
    from tinyprop.bench.demo_command import demo_command

    return demo_command(console, quick=quick, json_path=json, report_path=report)


def compare(
    config: Annotated[Path | None, Parameter(help="TOML file: scenarios, variants, rates, seeds")] = None,
    *,
    store: Annotated[Path, Parameter(help="SQLite file that outcomes are added to")] = Path("build/compare.sqlite"),
    json: JsonPath = None,
    seeds: Annotated[int | None, Parameter(help="how many, in place of the configuration's")] = None,
    resume: Annotated[bool, Parameter(negative=(), help="go on with what the store does not hold yet")] = False,
    archive: Annotated[
        Path | None, Parameter(help="runs to go on from, written anew at the end; to be committed or sent elsewhere")
    ] = None,
    processes: Processes = 2,
    scheduler: Scheduler = None,
    tuned: Annotated[
        list[Path] | None, Parameter(negative=(), help="what `tinyprop tune --toml` wrote; may be repeated")
    ] = None,
) -> int:
    """Compare methods over scenarios, networks and seeds; whatever interrupts it, finished runs are kept.

    Without a file: scikit-learn's digits, a few minutes.

    Examples: tinyprop compare --seeds 2  ·  tinyprop compare mine.toml --store mine.sqlite --resume --json rows.json
    ·  tinyprop compare mine.toml --tuned ours.toml --scheduler tcp://192.168.1.5:8786
    """
    from tinyprop.bench.compare_command import compare_command

    return compare_command(
        console,
        config_path=config,
        store_path=store,
        json_path=json,
        seeds=seeds,
        resume=resume,
        processes=processes,
        scheduler=scheduler,
        tuned=tuned or (),
        archive_path=archive,
    )


def tune(
    method: Annotated[str, Parameter(help="a name from `tinyprop methods`")],
    network: Annotated[str, Parameter(help="a network of the configuration")],
    config: Annotated[Path | None, Parameter(help="TOML file, as of `tinyprop compare`: epochs, seeds, rates")] = None,
    *,
    trials: Annotated[int, Parameter(help="how many in all, those in the journal included")] = 40,
    journal: Annotated[Path, Parameter(help="file that trials are added to; machines may share it")] = Path(
        "build/tune.journal"
    ),
    scenario: Annotated[
        list[str] | None, Parameter(negative=(), help="in place of all with this network; may be repeated")
    ] = None,
    objectives: Annotated[
        list[str] | None,
        Parameter(negative=(), consume_multiple=True, help="of accuracy, effort_bwd, effort_total, ram_bytes"),
    ] = None,
    trainable: Annotated[
        list[str] | None,
        Parameter(negative=(), help="what trains, searched if repeated: a word of `tinyprop memory`"),
    ] = None,
    samples_kept: Annotated[
        int | None,
        Parameter(name="--store", help="learn from a store of so many samples in 8 bits in place of the stream"),
    ] = None,
    keep_rate: Annotated[bool, Parameter(negative=(), help="search the settings only")] = False,
    keep_settings: Annotated[bool, Parameter(negative=(), help="search the learning rate only")] = False,
    ranges: Annotated[
        list[str] | None,
        Parameter(
            name="--range",
            negative=(),
            help="NAME=LOW:HIGH for a setting or the rate, kept or not; may be repeated",
        ),
    ] = None,
    seeds: Annotated[int | None, Parameter(help="how many, in place of the configuration's")] = None,
    json: JsonPath = None,
    toml: Annotated[Path | None, Parameter(help="write the chosen settings for `tinyprop compare --tuned`")] = None,
    picture: Annotated[Path | None, Parameter(help="draw the front, .png or .svg")] = None,
    name: Annotated[str | None, Parameter(help="of the variant in that file; default: the method's")] = None,
    processes: Processes = 2,
    scheduler: Scheduler = None,
) -> int:
    """Search a method's settings and learning rate on validation data: accuracy, effort and RAM at once.

    Never looks at test data. Interrupted, the same command goes on; on several machines that share the journal, they
    search together.

    Examples: tinyprop tune ours mlp --trials 60 --seeds 3 --picture front.svg  ·  tinyprop tune full cnn mine.toml
    --keep-settings --objectives accuracy --toml full-cnn.toml
    """
    from tinyprop.bench.tune_command import tune_command

    return tune_command(
        console,
        method=method,
        network=network,
        config_path=config,
        scenarios=tuple(scenario or ()),
        objectives=tuple(objectives or ()),
        trainable=tuple(trainable or ()),
        store=samples_kept,
        keep_rate=keep_rate,
        keep_settings=keep_settings,
        ranges=tuple(ranges or ()),
        trials=trials,
        seeds=seeds,
        journal_path=journal,
        json_path=json,
        toml_path=toml,
        picture_path=picture,
        name=name,
        processes=processes,
        scheduler=scheduler,
    )


def report(
    store: Annotated[Path, Parameter(help="SQLite file that `tinyprop compare` wrote")] = Path("build/compare.sqlite"),
    *,
    output: Annotated[Path, Parameter(help="where the HTML page goes")] = Path("build/compare.html"),
    markdown: Annotated[Path | None, Parameter(help="also write the tables as Markdown")] = None,
    json: Annotated[Path | None, Parameter(help="also write the summary as JSON")] = None,
    config: Annotated[
        list[Path] | None,
        Parameter(negative=(), help="report only the runs that this TOML file names; may be repeated"),
    ] = None,
    also: Annotated[
        list[Path] | None,
        Parameter(negative=(), help="rows of `tinyprop compare --json` whose runs no store holds; may be repeated"),
    ] = None,
) -> int:
    """Make one HTML page of a store of `tinyprop compare`: tables, drawings, and what the paper states beside them.

    Examples: tinyprop report  ·  tinyprop report mine.sqlite --output mine.html --markdown mine.md --json summary.json
    """
    from tinyprop.bench.report_command import report_command

    return report_command(
        console,
        store,
        output=output,
        markdown_path=markdown,
        json_path=json,
        config_paths=config or (),
        earlier_paths=also or (),
    )


def floors(
    *names: Annotated[str, Parameter(help="recipes; none: all whose data is on this machine")],
    json: JsonPath = None,
    seeds: Annotated[int, Parameter(help="how many times each is trained")] = 3,
    processes: Annotated[int, Parameter(help="how many networks at a time, a core each")] = 2,
) -> int:
    """Train the named networks in PyTorch, each by its recipe, and say whether they are good enough to compare methods.

    What was trained is kept in the cache: an interrupted call goes on where it stopped, and `compare` starts from it.

    Examples: tinyprop floors mnist  ·  tinyprop floors --seeds 3 --json results/floors.json
    """
    from tinyprop.bench.floors_command import floors_command

    return floors_command(console, names=names, seeds=seeds, processes=processes, json_path=json)
