"""Random numbers that host and board draw alike: `draw` and `draw_below` of tp_buffer.c."""

WORD = 2**32
STEP = 0x9E3779B9
UNDO_STEP = pow(STEP, -1, WORD)


class Draws:
    """A counter with an odd step whose bits are mixed, so that each number comes once in 2³² draws.

    Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014; constants of the 32-bit mixer: hash-
    prospector by C. Wellons. state: the counter, 0 … 2³² - 1.
    """

    def __init__(self, seed: int) -> None:
        self.seed = self.state = seed

    def draw(self) -> int:
        """The next number, 0 … 2³² - 1."""
        self.state = (self.state + STEP) % WORD
        x = self.state
        x = (x ^ x >> 16) * 0x21F0AAAD % WORD
        x = (x ^ x >> 15) * 0x735A2D97 % WORD
        return x ^ x >> 15

    def go_on_from(self, state: int) -> None:
        """From `state`, of an earlier counter with this seed, if more numbers had been drawn by then."""
        self.state = max(self.state, state, key=lambda reached: (reached - self.seed) * UNDO_STEP % WORD)

    def below(self, bound: int) -> int:
        """A number from 0 to bound - 1, all alike: as many low bits as bound - 1 has, drawn until they are below it."""
        while True:
            number = self.draw() % 2 ** (bound - 1).bit_length()
            if number < bound:
                return number
