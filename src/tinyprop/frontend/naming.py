"""Names that have to survive as C identifiers."""

import re
from collections.abc import Collection

from tinyprop.errors import UserError

# C99 6.4.1 and the C++ words that a firmware project might meet.
_RESERVED_WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
bool catch class delete explicit export false friend main mutable namespace new operator private protected public
template this throw true try typename using virtual
"""
# What the generated C calls its own functions and variables, and what a firmware project is likely to have.
_TAKEN_WORDS = """
error forward infer labels loss losses memory model outputs predicted rate samples status step target targets train
abs errno exit exp free index log malloc pow printf sin cos sqrt tan time
accept bind close connect dup fork kill link listen open pause pipe poll raise read recv remove rename select send
signal sleep socket stat sync system unlink wait write
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())
_TAKEN = frozenset(_TAKEN_WORDS.split())


def program_name(name: str, given: bool) -> str:
    """The C identifier of a network. given: the user chose it, so it is kept or refused, never altered.

    What was not given is turned into an identifier: DigitsCNN → digits_cnn, my-net → my_net, model → net_model.
    """
    if given:
        if not is_identifier(name):
            raise UserError(f"the name '{name}' is not a C identifier: use letters, digits and '_', and no keyword.")
        if name in _TAKEN:
            raise UserError(f"the name '{name}' is taken in the generated C: choose another, such as 'my_{name}'.")
        return name
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    words = re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_")
    return words if is_identifier(words) and words not in _TAKEN else f"net_{words}"


def is_identifier(name: str) -> bool:
    """Whether C takes `name` as a new identifier."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None and name not in _RESERVED


def unused(name: str, taken: Collection[str]) -> str:
    """`name`, or the first of name_1, name_2, … that is not taken."""
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate
