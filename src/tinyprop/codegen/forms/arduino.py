"""An Arduino library, format 1.5: the builder compiles all that lies below src/, with src/ to look for headers."""

from tinyprop.codegen.forms.form import Contents, moved, port, with_files
from tinyprop.codegen.source_tree import SourceTree


def arduino(contents: Contents) -> SourceTree:
    """Everything in src/, side by side; the examples are sketches."""
    tree = moved(contents.tree, headers="src/", sources="src/", kernels="src/kernels/")
    return with_files(
        tree,
        {
            **contents.selftest("examples/selftest/", "selftest.ino", "sketch"),
            **contents.field("examples/field/field.ino", "sketch"),
            "src/tp_port.h": port("tp_port.h"),
            "src/tp_port.cpp": port("arduino.cpp"),
            "library.properties": contents.text("library.properties.j2"),
            "README.md": contents.text("project_readme.md.j2", form="arduino"),
        },
    )
