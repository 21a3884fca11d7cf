"""The demo's report: frozen records in, one self-contained HTML page out."""

from tinyprop.bench.report.records import Check as Check
from tinyprop.bench.report.records import DemoReport as DemoReport
from tinyprop.bench.report.records import InstructionSplit as InstructionSplit
from tinyprop.bench.report.records import KeptHistory as KeptHistory
from tinyprop.bench.report.records import MemoryPicture as MemoryPicture
from tinyprop.bench.report.records import Row as Row
from tinyprop.bench.report.write import write_report as write_report
