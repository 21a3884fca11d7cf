"""Data sets, read from their official distribution files."""
