"""The demo, the benchmark and the report."""
