"""A plan as a picture: time from left to right, addresses upward, one block per buffer."""

import string
from html import escape

from tinyprop.plan.plan import Placed, Plan

LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
CELL = 3  # characters per step

# Colours of middling lightness: black or white text and either background stay readable beside them.
COLOURS = ("#4e79a7", "#c7702c", "#b5485d", "#3f8f8a", "#4c8c46", "#a08420", "#9467a8", "#8c6d5d")
MARGIN_LEFT, MARGIN_BELOW, WIDTH, HEIGHT = 70, 40, 860, 420


def ascii_picture(plan: Plan) -> str:
    """Plain text: one column per step, one line per stretch of addresses in which nothing changes, then a legend.

    A line is labelled with its first byte; its height says nothing about its size.
    """
    letters = {p.buffer.name: LETTERS[i] if i < len(LETTERS) else "#" for i, p in enumerate(plan.placed)}
    steps = range(step_count(plan))
    edges = sorted({0, *(p.offset for p in plan.placed), *(p.end for p in plan.placed)})[:-1]
    lines = []
    for edge in reversed(edges):
        row = [letters.get(occupant(plan, edge, step), ".") * CELL for step in steps]
        lines.append(f"{edge:>8} |{''.join(row)}")
    lines.append(f"{'step':>8} |{''.join(f'{step:<{CELL}}' for step in steps)}".rstrip())
    legend = [
        f"{letters[p.buffer.name]:>8}  {p.buffer.name}: {p.buffer.bytes} bytes at {p.offset}, "
        f"steps {p.buffer.first} to {p.buffer.last}"
        for p in plan.placed
    ]
    return "\n".join([*lines, *legend, f"arena {plan.arena_bytes} bytes, lower bound {plan.lower_bound_bytes}"])


def step_count(plan: Plan) -> int:
    """Steps from 0 to the last in which a buffer is in use."""
    return max((p.buffer.last + 1 for p in plan.placed), default=0)


def occupant(plan: Plan, byte: int, step: int) -> str:
    """Name of the buffer that holds `byte` at `step`; empty when it is free."""
    for p in plan.placed:
        if p.offset <= byte < p.end and p.buffer.first <= step <= p.buffer.last:
            return p.buffer.name
    return ""


def svg_picture(plan: Plan) -> str:
    """A self-contained SVG element, to scale; text takes the colour of the page around it, light or dark."""
    steps = max(step_count(plan), 1)
    arena = max(plan.arena_bytes, 1)
    title = f"Memory plan: {plan.arena_bytes} bytes, lower bound {plan.lower_bound_bytes}"
    total_width, total_height = MARGIN_LEFT + WIDTH, HEIGHT + MARGIN_BELOW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_width} {total_height}" role="img" '
        f'font-family="sans-serif" font-size="12" fill="currentColor">',
        f"<title>{title}</title>",
        *(_svg_block(p, COLOURS[i % len(COLOURS)], steps, arena) for i, p in enumerate(plan.placed)),
        *_svg_axes(steps, arena),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _svg_block(placed: Placed, colour: str, steps: int, arena: int) -> str:
    b = placed.buffer
    x = MARGIN_LEFT + WIDTH * b.first / steps
    width = WIDTH * (b.last - b.first + 1) / steps
    y = HEIGHT * (1 - placed.end / arena)
    height = HEIGHT * b.bytes / arena
    name = escape(b.name)
    hover = f"{name}: {b.bytes} bytes at {placed.offset}, steps {b.first} to {b.last}"
    fits = height >= 12 and width >= 7 * len(b.name)
    label = f'<text x="{x + 4:.1f}" y="{y + height / 2 + 4:.1f}" fill="#fff">{name}</text>' if fits else ""
    return (
        f'<g><title>{hover}</title><rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{colour}" stroke="currentColor" stroke-width="0.5"/>{label}</g>'
    )


def _svg_axes(steps: int, arena: int) -> list[str]:
    """Byte addresses at the left in quarters, step numbers below (every one, or enough to be read)."""
    addresses = [
        f'<text x="{MARGIN_LEFT - 6}" y="{HEIGHT * (1 - part) + (11 if part == 1 else 0):.1f}" '
        f'text-anchor="end">{round(arena * part)}</text>'
        for part in (0, 0.25, 0.5, 0.75, 1)
    ]
    stride = -(-steps // 40)
    middles = {step: MARGIN_LEFT + WIDTH * (step + 0.5) / steps for step in range(0, steps, stride)}
    numbers = [f'<text x="{x:.1f}" y="{HEIGHT + 15}" text-anchor="middle">{step}</text>' for step, x in middles.items()]
    caption = f'<text x="{MARGIN_LEFT}" y="{HEIGHT + 33}">step of one training step (bytes upward)</text>'
    return [*addresses, *numbers, caption]
