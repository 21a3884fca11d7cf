"""An ESP-IDF component, and example projects that use it."""

from tinyprop.codegen.forms.form import Contents, port, with_files
from tinyprop.codegen.source_tree import SourceTree


def esp_idf(contents: Contents) -> SourceTree:
    """The engine as it is; the examples are projects of their own, which find the component above them."""
    return with_files(
        contents.tree,
        {
            **contents.selftest("examples/selftest/main/", "main.c", "app_main"),
            **contents.field("examples/field/main/main.c", "app_main"),
            **_example(contents, "selftest", ("main.c", f"{contents.name}_golden.c")),
            **_example(contents, "field", ("main.c",)),
            "port/tp_port.h": port("tp_port.h"),
            "port/esp_idf.c": port("esp_idf.c"),
            "CMakeLists.txt": contents.text("esp_idf.txt.j2"),
            "idf_component.yml": contents.text("idf_component.yml.j2"),
            "README.md": contents.text("project_readme.md.j2", form="esp-idf"),
        },
    )


def _example(contents: Contents, example: str, own: tuple[str, ...]) -> dict[str, str]:
    """What ESP-IDF reads of an example. own: its sources."""
    templates = {
        "CMakeLists.txt": "esp_idf_example.txt.j2",
        "main/CMakeLists.txt": "esp_idf_main.txt.j2",
        "main/idf_component.yml": "esp_idf_main.yml.j2",
    }
    return {f"examples/{example}/{file}": contents.text(t, example=example, own=own) for file, t in templates.items()}
