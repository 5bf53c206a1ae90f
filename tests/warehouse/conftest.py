"""Small real DuckDB files, and a way to act as a user without rights."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from workbench.warehouse.duckdb_engine import DuckDBEngine


def write(path: Path, sql: str) -> Path:
    """A DuckDB file made by these statements."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS made (STORAGE_VERSION 'v1.5.0'); USE made; {sql}")
        connection.execute("USE memory; DETACH made")
    return path


@pytest.fixture(name="write")
def _write() -> Callable[[Path, str], Path]:
    """Makes a DuckDB file of statements."""
    return write


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    """Two tables and a view, large enough that most of the file is data."""
    return write(
        tmp_path / "small.duckdb",
        """
        CREATE SCHEMA gold;
        CREATE TABLE gold.orders (
            id INTEGER PRIMARY KEY, "odd ""name" VARCHAR, amount DECIMAL(18, 2), moment TIMESTAMPTZ
        );
        INSERT INTO gold.orders SELECT i, md5(i::VARCHAR), i / 100, to_timestamp(i) FROM range(50_000) t(i);
        CREATE TABLE main.notes AS SELECT 'hello' AS text;
        CREATE VIEW gold.large AS FROM gold.orders WHERE amount > 100;
        """,
    )


@pytest.fixture
def engine(small_file: Path) -> Iterator[DuckDBEngine]:
    """An engine over the small file."""
    opened = DuckDBEngine(small_file)
    yield opened
    opened.close()


@pytest.fixture
def as_nobody() -> Callable[[Callable[[], str]], str]:
    """Runs something as a user without rights, in a child process, and returns its text."""

    def run(act: Callable[[], str]) -> str:
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                if os.getuid() == 0:
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)
                os.write(write_end, act().encode())
            except BaseException as error:  # noqa: BLE001  # a child must never come back into pytest
                os.write(write_end, f"{type(error).__name__}: {error}".encode())
            finally:
                os._exit(0)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as pipe:
            text = pipe.read().decode()
        os.waitpid(child, 0)
        return text

    return run
