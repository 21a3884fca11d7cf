"""The demo's report: frozen records in, one self-contained HTML page out."""

from tinyprop.bench.report.demo.records import Check as Check
from tinyprop.bench.report.demo.records import DemoReport as DemoReport
from tinyprop.bench.report.demo.records import InstructionSplit as InstructionSplit
from tinyprop.bench.report.demo.records import KeptHistory as KeptHistory
from tinyprop.bench.report.demo.records import MemoryPicture as MemoryPicture
from tinyprop.bench.report.demo.records import Row as Row
from tinyprop.bench.report.demo.write import write_report as write_report
