"""Turns what DuckDB raises, and what is wrong with a file before DuckDB sees it, into problems with a slug."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import duckdb

from workbench.errors import Place, Problem, QuestionError, WarehouseError, WorkbenchError

REBUILD = "Delete it and run `workbench up`, which builds the embedded warehouse anew; restore your own from a copy."
_HEADERS = 3 * 4096
_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_POSITION = re.compile(r"^LINE (?P<line>\d+): (?P<text>.*)\n(?P<caret> *)\^", re.MULTILINE)
_OF_VALUES = re.compile(r"(?:Conversion|Invalid Input|Out of Range|Constraint|Invalid Type|Mismatch Type) Error")
_OF_MEMORY = re.compile(r"Out of Memory|bad_alloc|malloc|File too large|max_temp_directory_size")
_VERSIONS = re.compile(r"version number (\d+)")


def problem_of_file(path: Path) -> Problem | None:
    """What is wrong with the file at first sight: missing, unreadable, or not DuckDB's."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADERS)
    except FileNotFoundError:
        hint = "`workbench up` builds one from a 'source'; a file of yours is the 'warehouse' of its environment."
        return Problem("no-warehouse", f"There is no warehouse at '{path}'.", hint=hint)
    except PermissionError:
        return Problem("no-permission", f"No permission to read '{path}'.", hint="Ask its owner for the right to read.")
    except IsADirectoryError:
        return Problem("warehouse-broken", f"'{path}' is a folder, not a DuckDB file.", hint="Name the file itself.")
    if head[8:12] != b"DUCK":
        return Problem("warehouse-broken", f"'{path}' is not a DuckDB file.", hint=REBUILD)
    return None


def problem_of_size(path: Path, free_blocks: Callable[[], int]) -> Problem | None:
    """Whether the file is cut short. DuckDB itself leaves free blocks at the end away, and still counts them."""
    size = path.stat().st_size
    with path.open("rb") as file:
        whole, block = _expected_size(file.read(_HEADERS))
    if size >= whole or size >= whole - free_blocks() * block:
        return None
    missing = f"'{path}' is cut short: {size:,} of at least {whole:,} bytes are there."
    return Problem("warehouse-broken", missing, hint=REBUILD)


def _expected_size(head: bytes) -> tuple[int, int]:
    """The bytes that the newer of DuckDB's two headers promises, and those of a block; little where it reads oddly."""
    if len(head) < _HEADERS:
        return _HEADERS, 0
    newest = max((struct.unpack_from("<8Q", head, at) for at in (4096, 8192)), key=lambda header: int(header[1]))
    blocks, block_size = int(newest[4]), int(newest[5])
    plausible = block_size in {2**power for power in range(14, 19)} and blocks < 2**40  # else encrypted or newer
    return (_HEADERS + blocks * block_size, block_size) if plausible else (_HEADERS, 0)


def opening_error(path: Path, error: duckdb.Error) -> WarehouseError:
    """Why DuckDB would not open the file."""
    text = str(error)
    first = text.partition("\n")[0]
    if holder := _HOLDER.search(text):
        who = f"process {holder['pid']} ({Path(holder['program']).name})"
        problem = Problem(
            "warehouse-locked", f"'{path}' is being written by {who}.", hint="Wait until it is done, or end it."
        )
    elif "Could not set lock" in text:
        problem = Problem("warehouse-locked", f"'{path}' is being written by another process.", hint="Wait for it.")
    elif "different configuration" in text:
        problem = Problem(
            "warehouse-locked",
            f"'{path}' is already open in this process with other settings.",
            hint="Close that duckdb connection first, or query through the workbench.",
        )
    elif newer := _VERSIONS.search(text):
        problem = Problem(
            "warehouse-newer",
            f"'{path}' has storage version {newer[1]}, newer than DuckDB {duckdb.__version__} can read.",
            hint="Upgrade the package duckdb, or write the file with STORAGE_VERSION 'v1.5.0'.",
        )
    elif "Permission denied" in text:
        problem = Problem("no-permission", f"No permission to read '{path}'.", hint="Ask its owner for the right to.")
    else:
        problem = Problem("warehouse-broken", f"DuckDB cannot read '{path}': {first}", hint=REBUILD)
    return WarehouseError(problem)


def statement_error(error: duckdb.Error) -> WorkbenchError:
    """Why DuckDB would not run a statement, with the position where it names one."""
    text = str(error)
    first, _, rest = text.partition("\n")
    if "Corrupt database" in text or "Could not read enough bytes" in text:
        return WarehouseError(Problem("warehouse-broken", f"The warehouse file is damaged: {first}", hint=REBUILD))
    if isinstance(error, duckdb.InterruptException):
        return WarehouseError(Problem("stopped", "The query was stopped before it ended."))
    if isinstance(error, duckdb.OutOfMemoryException) or "File too large" in first:
        hint = "Ask for fewer groups or a shorter time."
        return WarehouseError(
            Problem("out-of-memory", f"The query needs more memory than it may have: {first}", hint=hint)
        )
    if isinstance(error, duckdb.ProgrammingError | duckdb.DataError | duckdb.NotSupportedError):
        explained = rest.partition("\nLINE ")[0].strip() if not rest.startswith("LINE ") else ""
        return QuestionError(Problem("bad-sql", first, place=_place(text), hint=" ".join(explained.split())))
    return WarehouseError(
        Problem("engine-failed", first, hint="Ask again; if it happens again, report it with the SQL.")
    )


def reading_error(error: BaseException) -> WorkbenchError:
    """What went wrong between batches: Arrow passes on what DuckDB said, but not of what class it was."""
    text = str(error)
    first = text.partition("\n")[0]
    if isinstance(error, MemoryError) or _OF_MEMORY.search(text):
        hint = "Ask for fewer groups or a shorter time."
        return WarehouseError(Problem("out-of-memory", "The query needs more memory than it may have.", hint=hint))
    if first.upper().startswith("INTERRUPT"):
        return WarehouseError(Problem("stopped", "The query was stopped before it ended."))
    if _OF_VALUES.match(first):
        return QuestionError(Problem("bad-sql", first, place=_place(text)))
    return WarehouseError(
        Problem("engine-failed", first, hint="Ask again; if it happens again, report it with the SQL.")
    )


def _place(text: str) -> Place | None:
    found = _POSITION.search(text)
    if found is None:
        return None
    shortened = found["text"].startswith("...")  # DuckDB cuts long lines, and with them the true column
    column = len(found["caret"]) - len(f"LINE {found['line']}: ") + 1
    return Place("sql", int(found["line"]), 1 if shortened else max(column, 1))
