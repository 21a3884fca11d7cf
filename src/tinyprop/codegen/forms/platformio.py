"""A PlatformIO library for any framework; its examples are projects for Arduino boards."""

from tinyprop.codegen.forms.form import Contents, moved, port, with_files
from tinyprop.codegen.source_tree import SourceTree


def platformio(contents: Contents) -> SourceTree:
    """Headers in include/, what is compiled in src/; the examples are projects of their own."""
    tree = moved(contents.tree, headers="include/", sources="src/", kernels="include/kernels/")
    return with_files(
        tree,
        {
            **contents.selftest("examples/selftest/src/", "main.cpp", "sketch"),
            **contents.field("examples/field/src/main.cpp", "sketch"),
            "examples/selftest/platformio.ini": contents.text("platformio.ini.j2"),
            "examples/field/platformio.ini": contents.text("platformio.ini.j2"),
            "include/tp_port.h": port("tp_port.h"),
            "src/tp_port.cpp": port("arduino.cpp"),
            "library.json": contents.text("library.json.j2"),
            "README.md": contents.text("project_readme.md.j2", form="platformio"),
        },
    )
