"""The C99 engine as package data: `include/` and `src/`, usable by hand from C; see README.md."""
