"""Change fragments bear a kind, and a release moves them into the changelog."""

import runpy
from pathlib import Path

CHANGES = Path(__file__).parents[2] / "docs" / "changes"
TOOL = runpy.run_path(str(CHANGES / "collect.py"))


def test_every_fragment_has_a_kind():
    fragments = [path for path in CHANGES.glob("*.md") if path.name != "README.md"]
    assert not [path.name for path in fragments if path.suffixes[-2:-1] not in [[f".{kind}"] for kind in TOOL["KINDS"]]]


def test_fragments_become_the_newest_section(tmp_path):
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\nWhat changed.\n\n## 0.1.0\n\n- old\n")
    (tmp_path / "changes").mkdir()
    for name, text in (("7-b.fixed.md", "Mended."), ("9-c.added.md", "Later."), ("3-a.added.md", "New.")):
        (tmp_path / "changes" / name).write_text(text + "\n")
    (tmp_path / "changes" / "README.md").write_text("stays")

    TOOL["collect"]("0.2.0", tmp_path / "changes", changelog)

    assert changelog.read_text() == (
        "# Changelog\n\nWhat changed.\n\n## 0.2.0\n\n### Added\n\n- New.\n- Later.\n\n### Fixed\n\n- Mended.\n"
        "\n## 0.1.0\n\n- old\n"
    )
    assert [path.name for path in (tmp_path / "changes").iterdir()] == ["README.md"]
