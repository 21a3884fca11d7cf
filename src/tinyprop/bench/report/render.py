"""A page from its template and what is on it."""

from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

SHARED = "tinyprop.bench.report"  # base.html.j2 and page.css


def rendered(package: str, **names: Any) -> str:
    """The page that `page.html.j2` of `package` makes, an extension of base.html.j2, with all text in `names` escaped.

    Texts of type Markup are taken as they are. The same names give the same bytes.
    """
    loader = ChoiceLoader([PackageLoader(package, "."), PackageLoader(SHARED, ".")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"signed": signed, "breakable": breakable}
    style = Markup(files(SHARED).joinpath("page.css").read_text(encoding="utf-8"))
    return environment.get_template("page.html.j2").render(style=style, safe=Markup, **names)


def signed(value: float, digits: int) -> str:
    """With its sign, a true minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def breakable(text: str) -> Markup:
    """Escaped; a line may end behind an underscore."""
    return Markup("_<wbr>").join(escape(part) for part in text.split("_"))
