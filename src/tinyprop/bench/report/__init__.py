"""Reports as one self-contained HTML page each: what the demo's and the comparison's have in common.

Importing it raises UserError where matplotlib is missing.
"""

from tinyprop.bench.report.canvas import Colour as Colour
