"""For authors of training methods: what must hold before a comparison with a method can be trusted."""

from tinyprop.testing.contract import check_method as check_method
