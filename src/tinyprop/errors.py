"""The two kinds of failure: a user's input that cannot be served, and a defect of tinyprop itself."""

import difflib
from collections.abc import Iterable


class TinypropError(Exception):
    """Base of every error tinyprop raises on purpose."""


class UserError(TinypropError):
    """What was given cannot be done: one sentence says what was given, why not, and what to do."""


class InternalError(TinypropError):
    """A stage broke its own promise; please report it with the printed record."""


def unknown_name(kind: str, given: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not in a table, with the nearest name that is."""
    names = sorted(known)
    near = difflib.get_close_matches(given.lower(), names, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return UserError(f"unknown {kind} '{given}': {hint}known are {', '.join(names)}.")
