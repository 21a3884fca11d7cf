"""Libraries that only some data sets need."""

from importlib import import_module
from types import ModuleType

from tinyprop.errors import UserError


def required(module: str, package: str, purpose: str, extra: str = "data") -> ModuleType:
    """The imported module. Raises UserError, naming `package` and the extra that brings it, where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        raise UserError(f"{purpose} needs {package}: run \"pip install 'tinyprop[{extra}]'\".") from error
