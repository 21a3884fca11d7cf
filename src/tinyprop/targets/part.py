"""Part: what of a network runs, where it has latents."""

from enum import IntEnum


class Part(IntEnum):
    """All of it, its frozen prefix, or what is behind that. Numbers as in board_parts of harness.c."""

    WHOLE = 0
    PREFIX = 1
    FROM_LATENT = 2
