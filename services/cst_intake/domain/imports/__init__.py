"""Import of history: from rows of another system's file to ``imported`` events. Pure, no I/O."""

from cst_intake.domain.imports.boston import BOSTON
from cst_intake.domain.imports.events import imported_event
from cst_intake.domain.imports.fields import RowProblem
from cst_intake.domain.imports.generic import GENERIC
from cst_intake.domain.imports.history import Format, History
from cst_intake.domain.imports.reference import Reference
from cst_intake.domain.imports.table import FileProblem, NumberedRow, read_table

#: Every format by the name it has on the command line.
FORMATS: dict[str, Format] = {fmt.name: fmt for fmt in (BOSTON, GENERIC)}

__all__ = [
    "FORMATS",
    "FileProblem",
    "Format",
    "History",
    "NumberedRow",
    "Reference",
    "RowProblem",
    "imported_event",
    "read_table",
]
