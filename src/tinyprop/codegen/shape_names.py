"""Words that name the small function of one shape, such as '3x8x8_16_k3x3_relu'."""


def cross(sizes: tuple[int, ...]) -> str:
    """Sizes of several axes as one word."""
    return "x".join(map(str, sizes))


def joined(*parts: object) -> str:
    """The parts that are not empty, as one name."""
    return "_".join(str(part) for part in parts if part != "")


def word_if(condition: bool, word: str) -> str:
    """`word` or nothing."""
    return word if condition else ""
