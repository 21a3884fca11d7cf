"""What was found, as the lines of a configuration that `tinyprop compare --tuned` reads."""

import re
from collections.abc import Sequence

from tinyprop.bench.tuning.candidate import Candidate
from tinyprop.bench.tuning.search import Search
from tinyprop.errors import UserError

WITHIN = 0.5  # points under the most accurate in which the cheapest is taken


def picked(front: Sequence[Candidate]) -> Candidate:
    """Of a front: the cheapest that is hardly less accurate than the most accurate."""
    best = max(one.accuracy for one in front)
    return min((one for one in front if one.accuracy >= best - WITHIN), key=lambda one: (one.effort_total, one.number))


def require_variant_name(name: str) -> str:
    """`name`, if it can stand in a table's head. Raises UserError."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise UserError(f"'{name}' cannot be the name of a variant: use letters, digits, - and _.")
    return name


def fragment(search: Search, one: Candidate, variant: str) -> str:
    """TOML. Where only the rate was searched, the rate alone: the variant stays what the configuration says."""
    lines = [
        f"# tinyprop tune, trial {one.number}: {one.accuracy:.1f} % of validation, effort {one.effort_total:.3f} "
        f"({', '.join(search.scenarios)}; seeds {search.seeds[0]} to {search.seeds[-1]})."
    ]
    if set(search.ranges) != {"rate"} or len(search.trainable) > 1:
        lines += [f"[variants.{variant}]", f'method = "{search.method}"']
        if one.settings:
            lines.append(f"settings = {{ {', '.join(f'{name} = {value!r}' for name, value in one.settings.items())} }}")
        if one.trainable is not None:
            lines.append(f'trainable = "{one.trainable}"')
        if search.store is not None:
            lines.append(f"store = {{ capacity = {search.store.capacity} }}")
        lines.append("")
    return "\n".join([*lines, f"[rates_of.{variant}]", f"{search.network} = {one.rate!r}", ""])
