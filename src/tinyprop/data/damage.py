"""Whatever goes wrong while a file is read becomes one ValueError that names the file."""

import struct
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from tokenize import TokenError
from zipfile import BadZipFile

DAMAGE = (
    AttributeError,  # a pickle that restores what is no array
    EOFError,
    IndexError,
    KeyError,
    MemoryError,  # a header that claims more than there is
    OSError,
    OverflowError,
    RuntimeError,  # a ZIP under a password, or compressed by a method unknown here
    SyntaxError,  # the header of an array, which is Python
    TokenError,  # the same
    TypeError,
    UnpicklingError,
    ValueError,
    BadZipFile,
    tarfile.TarError,
    struct.error,
    zlib.error,
)


@contextmanager
def named(what: str) -> Iterator[None]:
    """Errors of the block, in words, behind `what` and a colon."""
    try:
        yield
    except DAMAGE as error:
        raise ValueError(f"{what}: {in_words(error)}") from error


def in_words(error: BaseException) -> str:
    """The error's own text, without the class where the text says enough."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
