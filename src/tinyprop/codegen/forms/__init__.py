"""The forms that a project is delivered in: one file each, and a line of this table."""

from collections.abc import Mapping
from types import MappingProxyType

from tinyprop.codegen.forms.arduino import arduino
from tinyprop.codegen.forms.cmake import cmake
from tinyprop.codegen.forms.esp_idf import esp_idf
from tinyprop.codegen.forms.form import Contents as Contents
from tinyprop.codegen.forms.form import Form as Form
from tinyprop.codegen.forms.platformio import platformio
from tinyprop.codegen.forms.zephyr import zephyr
from tinyprop.errors import unknown_name

DEFAULT = "cmake"
FORMS: Mapping[str, Form] = MappingProxyType(
    {"cmake": cmake, "arduino": arduino, "platformio": platformio, "zephyr": zephyr, "esp-idf": esp_idf}
)


def form_named(name: str) -> Form:
    """The form of that name. Raises UserError that lists them."""
    if name not in FORMS:
        raise unknown_name("form", name, FORMS)
    return FORMS[name]
