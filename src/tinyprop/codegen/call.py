"""A call of a kernel, before it is text: what varies is passed on, what is fixed becomes a literal.

Kernels are inlined into one small function per distinct list of literals, so layers of one shape share their code
and each shape sees constants.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pass:
    """An argument handed through: its C type and parameter name in the small function, and what the caller writes."""

    type: str
    name: str
    text: str


@dataclass(frozen=True)
class Call:
    """kernel(arguments…); a plain string argument is a literal. shape: what names the small function, e.g. '64_32'."""

    kernel: str
    shape: str
    arguments: tuple[Pass | str, ...]
    returns: str = "void"

    @property
    def function(self) -> str:
        """The small function's name."""
        return f"{self.kernel.removeprefix('tp_')}_{self.shape}"

    @property
    def text(self) -> str:
        """The call as the generated program writes it."""
        return f"{self.function}({', '.join(a.text for a in self.arguments if isinstance(a, Pass))})"

    @property
    def definition(self) -> str:
        """The small function, one per distinct set of literals."""
        parameters = ", ".join(f"{_declared(a.type)}{a.name}" for a in self.arguments if isinstance(a, Pass))
        inner = ", ".join(a.name if isinstance(a, Pass) else a for a in self.arguments)
        result = "" if self.returns == "void" else "return "
        return f"TP_NOINLINE {self.returns} {self.function}({parameters})\n{{\n    {result}{self.kernel}({inner});\n}}"


def _declared(c_type: str) -> str:
    return c_type if c_type.endswith("*") else f"{c_type} "
