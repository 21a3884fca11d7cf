"""`tinyprop tune`: search a method's settings and its learning rate on validation parts, print the front."""

from pathlib import Path

import msgspec
from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.compare.config import checked, load_config
from tinyprop.bench.compare_command import DEFAULT, INTERRUPTED
from tinyprop.bench.progress import stage_progress
from tinyprop.bench.tuning.fragment import WITHIN, fragment, picked, require_variant_name
from tinyprop.bench.tuning.search import Search, search
from tinyprop.bench.tuning.study import Study
from tinyprop.bench.tuning.table import front_table, json_of
from tinyprop.bench.whole_table import print_whole
from tinyprop.bench.workers.choose import workers
from tinyprop.data.extra import required
from tinyprop.errors import UserError


def tune_command(
    console: Console,
    *,
    method: str,
    network: str,
    config_path: Path | None,
    scenarios: tuple[str, ...] = (),
    objectives: tuple[str, ...] = (),
    trainable: tuple[str, ...] = (),
    store: int | None = None,
    keep_rate: bool = False,
    keep_settings: bool = False,
    ranges: tuple[str, ...] = (),
    trials: int,
    seeds: int | None,
    journal_path: Path,
    json_path: Path | None,
    toml_path: Path | None,
    picture_path: Path | None,
    name: str | None,
    processes: int,
    scheduler: str | None,
) -> int:
    """Exit status: 0, or 130 after Ctrl-C. Raises UserError as its parts do."""
    config = load_config(config_path or DEFAULT)
    if seeds is not None:
        config = checked(msgspec.structs.replace(config, seeds=seeds))
    asked = search(
        config,
        method,
        network,
        scenarios=scenarios,
        objectives=objectives,
        trainable=trainable,
        store=store,
        keep_rate=keep_rate,
        keep_settings=keep_settings,
        given_ranges=ranges,
    )
    variant = require_variant_name(name or method)
    if trials < 1:
        raise UserError(f"{trials} trials find nothing: choose 1 or more.")
    _require_results(json_path, toml_path, picture_path)
    study = Study(asked, journal_path)
    if study.ended:
        console.print(f"{study.ended} trials of this search are in {journal_path}.", highlight=False)
    try:
        if study.ended < trials:
            with workers(scheduler, processes) as working, stage_progress(console) as advance:
                study.go_on(trials, advance, working)
    except KeyboardInterrupt:
        console.print(f"Stopped. What ended is in {journal_path}: the same command goes on.", highlight=False)
        return INTERRUPTED
    _shown(console, asked, study, variant, json_path, toml_path, picture_path)
    return 0


def _require_results(json_path: Path | None, toml_path: Path | None, picture_path: Path | None) -> None:
    if picture_path is not None and picture_path.suffix not in (".png", ".svg"):
        raise UserError(f"the picture is '{picture_path}': name a .png or .svg file.")
    if picture_path is not None:
        required("matplotlib", "matplotlib", "the picture", extra="demo")
    for path in (json_path, toml_path, picture_path):
        if path is not None:
            require_writable(path)


def _shown(
    console: Console,
    asked: Search,
    study: Study,
    variant: str,
    json_path: Path | None,
    toml_path: Path | None,
    picture_path: Path | None,
) -> None:
    candidates, front, stopped = study.candidates(), study.front(), study.stopped
    if not candidates:
        raise UserError(
            f"all of {len(stopped)} trials came to nothing, the last because: {stopped[-1]} Give the configuration a "
            "lower rate where training broke off, or another --range."
        )
    chosen = picked(front)
    found = fragment(asked, chosen, variant)
    print_whole(console, front_table(asked, front, chosen))
    broken = f" {len(stopped)} of them came to nothing, the last because: {stopped[-1]}" if stopped else ""
    console.print(
        f"The front of {study.ended} trials, means over {len(asked.seeds)} seed(s) on validation data.{broken} *: the "
        f"cheapest within {WITHIN:g} points of the most accurate; for `tinyprop compare --tuned FILE`:\n",
        highlight=False,
    )
    console.print(found, highlight=False, markup=False, soft_wrap=True)
    if json_path is not None:
        write_whole(json_path, json_of(asked, candidates, front, chosen, stopped))
        console.print(f"candidates: {json_path}", highlight=False)
    if toml_path is not None:
        write_whole(toml_path, found.encode())
        console.print(f"configuration: {toml_path}", highlight=False)
    if picture_path is not None:
        from tinyprop.bench.tuning.figure import figure

        write_whole(picture_path, figure(asked, candidates, front, chosen, picture_path.suffix[1:]))
        console.print(f"picture: {picture_path}", highlight=False)
