"""A Zephyr module: a library behind a Kconfig option, and sample applications."""

from tinyprop.codegen.forms.form import Contents, port, with_files
from tinyprop.codegen.source_tree import SourceTree


def zephyr(contents: Contents) -> SourceTree:
    """The engine as it is, what Zephyr looks for in zephyr/, the samples in samples/."""
    return with_files(
        contents.tree,
        {
            **contents.selftest("samples/selftest/src/", "main.c"),
            **contents.field("samples/field/src/main.c"),
            **_sample(contents, "selftest", ("src/main.c", f"src/{contents.name}_golden.c")),
            **_sample(contents, "field", ("src/main.c",)),
            "port/tp_port.h": port("tp_port.h"),
            "port/zephyr.c": port("zephyr.c"),
            "zephyr/module.yml": contents.text("zephyr_module.yml.j2"),
            "zephyr/CMakeLists.txt": contents.text("zephyr.txt.j2"),
            "zephyr/Kconfig": contents.text("zephyr_kconfig.j2"),
            "README.md": contents.text("project_readme.md.j2", form="zephyr"),
        },
    )


def _sample(contents: Contents, sample: str, own: tuple[str, ...]) -> dict[str, str]:
    """What Zephyr reads of a sample. own: its sources."""
    templates = {
        "CMakeLists.txt": "zephyr_sample.txt.j2",
        "prj.conf": "zephyr_prj.conf.j2",
        "sample.yaml": "zephyr_sample.yaml.j2",
    }
    return {f"samples/{sample}/{file}": contents.text(t, sample=sample, own=own) for file, t in templates.items()}
