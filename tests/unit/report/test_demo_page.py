"""The report as a reader gets it: one file, nothing fetched, every number and verdict on it."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from tinyprop.bench.report.canvas import Colour
from tinyprop.bench.report.demo import (
    Check,
    DemoReport,
    InstructionSplit,
    KeptHistory,
    MemoryPicture,
    Row,
    write_report,
)
from tinyprop.bench.report.demo.write import page_of

METHODS = ("full", "full_zero_skip", "tinyprop_v1", "tinyprop_v2", "ours")


def row(method="full", **changed) -> Row:
    plain = Row(
        model="CNN",
        scenario="rotated",
        method=method,
        accuracy_before=61.25,
        accuracy_after=93.11,
        effort_bwd=1.0,
        effort_total=1.0,
        skipped=0.0,
        instructions_mean=345_678.0,
        instructions_max=400_100,
        ram_bytes=21_504,
        flash_bytes=31_232,
        stack_bytes=412,
        hash_host="ab12",
        hash_board="ab12",
        accuracy_after_sd=0.37,
        seeds=(0, 1, 2, 3, 4),
        macs_forward=94_720,
        macs_backward=171_008,
    )
    return replace(plain, **changed)


@pytest.fixture(scope="module")
def report() -> DemoReport:
    kept = np.tile([200, 10], (50, 1))
    functions = {"tp_conv2d_fwd_f32": 120e3, "tp_conv2d_update_f32": 90e3, "tp_keep_ratio_f32": 9e3, "memset": 400.0}
    return DemoReport(
        title="Digits <in> the field",
        rows=tuple(row(method, effort_bwd=0.9**i) for i, method in enumerate(METHODS)),
        facts=(("board", "Nano 33 BLE & emulator"),),
        config="lr = 0.01",
        checks=(Check("Host and board agree.", True, "5 of 5"), Check("Gradients agree.", False, "off by 2")),
        kept=(KeptHistory("CNN", "rotated", "ours", ("conv1", "head"), (2048, 10), kept, np.zeros(50, bool)),),
        instructions=(InstructionSplit("CNN", "rotated", dict.fromkeys(METHODS, functions)),),
        memory=(MemoryPicture("CNN", '<svg viewBox="0 0 9 9"><rect width="9" height="9"/></svg>', "0..64 | x"),),
        notes=("Only one board was tried.",),
    )


@pytest.fixture(scope="module")
def page(report) -> str:
    return page_of(report)


def test_page_is_well_formed(page):
    open_tags = []
    void = {"meta", "link", "br", "hr", "img", "path", "rect", "use"}

    class Nesting(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in void:
                open_tags.append(tag)

        def handle_startendtag(self, tag, attrs):
            pass

        def handle_endtag(self, tag):
            if tag not in void:
                assert open_tags.pop() == tag

    Nesting().feed(page)
    assert not open_tags


def test_drawings_are_well_formed(page):
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(drawings) == 4
    for drawing in drawings:
        ElementTree.fromstring(drawing.replace("<svg", '<svg xmlns:xlink="x"', 1))


def test_nothing_is_fetched(page):
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!#)", page)
    assert "url(http" not in page
    assert "//" not in page.replace("://www.w3.org", "")
    assert "@import" not in page


def test_every_colour_of_a_drawing_is_one_of_the_page(page):
    names = {colour.css for colour in Colour} | set(re.findall(r"var\(--[a-z0-9-]+\)", page))
    assert not [colour for colour in Colour if colour.value in page]
    for name in (css[len("var(") : -1] for css in names):
        assert page.count(f"{name}: #") == 2, f"{name} needs a value for light and one for dark"


def test_text_in_drawings_is_never_plain_black(page):
    texts = re.findall(r"<text style=\"([^\"]*)\"", page)
    assert texts
    assert all("fill: var(--" in style for style in texts)


@pytest.mark.parametrize(
    "text",
    ["93.11 ± 0.37", "345.7 k", "400.1 k", "21.0 KiB", "30.5 KiB", "412 B", "61.25", "5 seeds", "identical", "0.810"],
)
def test_page_states_the_numbers(page, text):
    assert text in page


def test_verdicts_are_plain(page):
    assert page.count("✗ failed:") == 1
    assert page.count("✓") == 1


def test_reconstruction_and_notes_stand_under_limits(page):
    limits = page[page.index("<h2>Limits") :]
    assert "reconstruction" in limits
    assert "Only one board was tried." in limits


def test_a_weight_that_differs_is_called_so(report):
    changed = replace(report, rows=(row(), row("ours", hash_board="cd34")))
    assert page_of(changed).count('class="bad">DIFFERENT') == 1


def test_given_text_is_escaped(page):
    assert "Digits &lt;in&gt; the field" in page
    assert "emulator" in page
    assert "BLE &amp; emulator" in page


def test_same_report_gives_the_same_bytes(report, page):
    assert page_of(report) == page


def test_optional_parts_may_be_missing():
    page = page_of(DemoReport("Bare", (row(),)))
    for heading in ("What is kept", "Where the instructions go", "The memory plan", "Proved", "How it was made"):
        assert heading not in page


def test_unknown_method_keeps_its_name():
    assert "velocity" in page_of(DemoReport("Bare", (row(), row("velocity"))))


def test_folder_is_made(tmp_path, report, page):
    target = tmp_path / "build" / "report.html"
    write_report(target, report)
    assert target.read_text(encoding="utf-8") == page
