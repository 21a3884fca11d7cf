"""`python -m tinyprop` is the command `tinyprop`."""

from tinyprop.cli import main

main()
