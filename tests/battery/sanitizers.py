"""What gcc checks while a program runs, and how much it optimises before."""

CHECKS = (
    *("-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"),
    "--param=asan-instrumentation-with-call-threshold=0",  # each access by a call: the same checks in far less code
)
# Inlined kernels with every check in them take gcc minutes at -O0, and at -O1 most of the time for registers and
# induction variables chosen well, of which programs of a few steps have nothing.
OPTIMISE = {"size": ("-O0",), "inline": ("-O1", "-fno-ivopts", "-fira-algorithm=priority", "-fira-region=one")}


def sanitized(kernels: str) -> tuple[str, ...]:
    """gcc's flags for the sources of a build: the same for all tests, which share the objects of the engine."""
    return (*OPTIMISE[kernels], *CHECKS)
