"""Pictures of a plan: the text to the letter, the SVG by its blocks."""

from xml.etree import ElementTree

from tinyprop.plan.picture import ascii_picture, svg_picture
from tinyprop.plan.plan import Buffer, Placed, Plan

PLAN = Plan(
    112,
    (
        Placed(Buffer("x", 40, 4, 0, 3), 0),
        Placed(Buffer("h", 64, 4, 1, 2), 40),
        Placed(Buffer("error <h>", 72, 4, 3, 4), 40),
    ),
    112,
)
SVG = "{http://www.w3.org/2000/svg}"


def test_time_runs_to_the_right_and_addresses_upward() -> None:
    assert ascii_picture(PLAN).splitlines() == [
        "     104 |.........CCCCCC",
        "      40 |...BBBBBBCCCCCC",
        "       0 |AAAAAAAAAAAA...",
        "    step |0  1  2  3  4",
        "       A  x: 40 bytes at 0, steps 0 to 3",
        "       B  h: 64 bytes at 40, steps 1 to 2",
        "       C  error <h>: 72 bytes at 40, steps 3 to 4",
        "arena 112 bytes, lower bound 112",
    ]


def test_the_svg_is_to_scale_and_names_every_buffer() -> None:
    svg = ElementTree.fromstring(svg_picture(PLAN))
    blocks = {group.findtext(f"{SVG}title"): group.find(f"{SVG}rect").attrib for group in svg.iter(f"{SVG}g")}
    assert list(blocks) == [
        "x: 40 bytes at 0, steps 0 to 3",
        "h: 64 bytes at 40, steps 1 to 2",
        "error <h>: 72 bytes at 40, steps 3 to 4",
    ]
    x, h, error = (
        {key: float(value) for key, value in b.items() if key != "fill" and key != "stroke"} for b in blocks.values()
    )
    assert abs(x["height"] / h["height"] - 40 / 64) < 0.01
    assert abs(x["width"] / h["width"] - 4 / 2) < 0.01
    assert h["y"] + h["height"] < x["y"] + 0.2  # h lies on top of x
    assert h["x"] + h["width"] == error["x"]
    assert len({b["fill"] for b in blocks.values()}) == 3


def test_an_empty_plan_has_a_picture_too() -> None:
    empty = Plan(0, (), 0)
    assert ascii_picture(empty).splitlines() == ["    step |", "arena 0 bytes, lower bound 0"]
    ElementTree.fromstring(svg_picture(empty))
