"""A Zephyr module: a library behind a Kconfig option, and a sample application."""

from tinyprop.codegen.forms.form import Contents, port, with_files
from tinyprop.codegen.source_tree import SourceTree


def zephyr(contents: Contents) -> SourceTree:
    """The engine as it is, what Zephyr looks for in zephyr/, the sample in samples/."""
    return with_files(
        contents.tree,
        {
            **contents.example("samples/selftest/src/", "main.c"),
            "samples/selftest/CMakeLists.txt": contents.text("zephyr_sample.txt.j2"),
            "samples/selftest/prj.conf": contents.text("zephyr_prj.conf.j2"),
            "samples/selftest/sample.yaml": contents.text("zephyr_sample.yaml.j2"),
            "port/tp_port.h": port("tp_port.h"),
            "port/zephyr.c": port("zephyr.c"),
            "zephyr/module.yml": contents.text("zephyr_module.yml.j2"),
            "zephyr/CMakeLists.txt": contents.text("zephyr.txt.j2"),
            "zephyr/Kconfig": contents.text("zephyr_kconfig.j2"),
            "README.md": contents.text("project_readme.md.j2", form="zephyr"),
        },
    )
