"""From a tenth of zeros on, testing inputs for them pays."""

import numpy as np
import pytest

from tinyprop.bench.zero_inputs import zero_inputs_pay


@pytest.mark.parametrize(("zeros", "pays"), [(0, False), (9, False), (10, True), (100, True)])
def test_it_pays_from_a_tenth_on(zeros: int, pays: bool) -> None:
    x = np.ones((5, 20), np.float32)
    x.reshape(-1)[:zeros] = -0.0
    assert zero_inputs_pay(x) is pays
