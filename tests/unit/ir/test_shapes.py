"""What operators without parameters refuse, and in which words."""

import pytest

from tinyprop.errors import UserError
from tinyprop.ir.op import Op, Shape
from tinyprop.ir.ops import AvgPool2d, Clamp, Concat, LeakyReLU, Reshape


@pytest.mark.parametrize(
    ("op", "shapes", "message"),
    [
        (AvgPool2d((2, 2), (2, 2)), ((4,),), "an average pool was given shape (4,); it takes a feature map (C, H, W)."),
        (AvgPool2d((5, 2), (1, 1)), ((1, 4, 4),), "does not fit into a feature map of shape (1, 4, 4); use a larger"),
        (Reshape((3, -1)), ((4,),), "a reshape to (3, -1) was given shape (4,); both must have as many elements."),
        (Reshape((2, 3)), ((2, 2),), "a reshape to (2, 3) was given shape (2, 2)"),
        (Concat(), ((4,),), "a concatenation was given shapes ((4,),); it takes two or more"),
        (Concat(), ((4, 2), (4, 3)), "shapes ((4, 2), (4, 3)); it takes two or more that differ in their channels"),
        (Concat(), ((4,), (4, 3)), "shapes ((4,), (4, 3)); it takes two or more that differ in their channels"),
    ],
)
def test_shapes_that_are_refused(op: Op, shapes: tuple[Shape, ...], message: str) -> None:
    with pytest.raises(UserError) as caught:
        op.shape_after(shapes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: AvgPool2d((3, 3), (1, 1), (1, 2)), "window (3, 3) has padding (1, 2); use at most half the window."),
        (lambda: Clamp(6, 0), "a clamp between 6 and 0 is empty or unbounded; give low < high."),
        (lambda: Clamp(0, float("inf")), "a clamp between 0 and inf is empty or unbounded"),
        (lambda: LeakyReLU(-0.1), "a leaky ReLU with negative_slope=-0.1 is not supported; use 0 or more."),
    ],
)
def test_settings_that_are_refused(build, message) -> None:
    with pytest.raises(UserError) as caught:
        build()
    assert message in str(caught.value)
