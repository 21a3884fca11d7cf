"""The report of a comparison: rows of its store in, one HTML page, Markdown tables and a summary in JSON out."""
