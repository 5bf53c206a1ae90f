"""Really broken files, each with the slug that says how."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from workbench.errors import QuestionError, WarehouseError
from workbench.warehouse.duckdb_engine import DuckDBEngine


def problem_of(path: Path) -> tuple[str, str]:
    """The slug and the text of what opening and reading the file raises; a clean read fails the test."""
    try:
        engine = DuckDBEngine(path)
        try:
            engine.run("SELECT count(*), sum(amount), max(moment) FROM gold.orders")
        finally:
            engine.close()
    except WarehouseError as error:
        return error.slug, str(error)
    pytest.fail(f"{path} was read")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.005, 0.01, 0.02, 0.1, 0.3, 0.5, 0.8, 0.99, 0.99999])
def test_truncated_anywhere(small_file: Path, share: float) -> None:
    size = small_file.stat().st_size
    os.truncate(small_file, int(size * share))
    slug, text = problem_of(small_file)
    assert slug == "warehouse-broken"
    assert str(small_file) in text
    assert "workbench up" in text


def test_a_file_that_duckdb_itself_made_shorter_is_whole(tmp_path: Path) -> None:
    path, sizes = tmp_path / "changed.duckdb", [0]
    for round_ in range(8):
        with duckdb.connect(str(path)) as connection:
            connection.execute("create table if not exists t (i int); create table if not exists u as select 'x' as x")
            connection.execute(f"insert into t values ({round_})")
        sizes.append(path.stat().st_size)
        engine = DuckDBEngine(path)
        assert engine.run("SELECT * FROM t").num_rows == round_ + 1
        engine.close()
    assert sizes != sorted(sizes), "it never became shorter, so nothing was tested"


@pytest.mark.parametrize(
    "content", [b"", b"id,name\n1,a\n" * 900, b"SQLite format 3\0" + b"\0" * 20_000, b"PAR1" * 5_000]
)
def test_not_a_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.duckdb"
    path.write_bytes(content)
    assert problem_of(path)[0] == "warehouse-broken"
    assert path.read_bytes() == content


def test_a_flipped_bit(small_file: Path) -> None:
    content = bytearray(small_file.read_bytes())
    for at in range(12_288 + 300, len(content), 4_096):
        content[at] ^= 0xFF
    small_file.write_bytes(content)
    assert problem_of(small_file)[0] == "warehouse-broken"


def test_missing_and_folder(tmp_path: Path) -> None:
    slug, text = problem_of(tmp_path / "none.duckdb")
    assert slug == "no-warehouse"
    assert "workbench up" in text
    assert problem_of(tmp_path)[0] == "warehouse-broken"


def test_written_by_a_newer_version(small_file: Path) -> None:
    content = bytearray(small_file.read_bytes())
    struct.pack_into("<Q", content, 12, 4_000)
    checksum = 5381  # DuckDB's own, so that the version and nothing else is wrong
    for (word,) in struct.iter_unpack("<Q", content[8:4096]):
        checksum ^= (word * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    struct.pack_into("<Q", content, 0, checksum)
    small_file.write_bytes(content)
    slug, text = problem_of(small_file)
    assert slug == "warehouse-newer"
    assert "4000" in text
    assert duckdb.__version__ in text


def test_locked_by_another_process(small_file: Path) -> None:
    hold = f"import duckdb, sys; c = duckdb.connect({str(small_file)!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        slug, text = problem_of(small_file)
        assert holder.stdin is not None
        holder.stdin.close()
    assert slug == "warehouse-locked"
    assert str(holder.pid) in text
    engine = DuckDBEngine(small_file)
    assert engine.run("SELECT 1").num_rows == 1, "free again, it opens"
    engine.close()


def test_open_in_this_process_with_other_settings(small_file: Path) -> None:
    with duckdb.connect(str(small_file)):
        slug, text = problem_of(small_file)
    assert slug == "warehouse-locked"
    assert "this process" in text


def test_no_permission(small_file: Path, as_nobody: Callable[[Callable[[], str]], str]) -> None:
    small_file.chmod(0)
    assert as_nobody(lambda: problem_of(small_file)[0]) == "no-permission"


@pytest.mark.slow
def test_out_of_memory_is_told_from_bad_sql() -> None:
    from workbench.warehouse.duckdb_errors import statement_error

    with duckdb.connect(config={"memory_limit": "20MB", "max_temp_directory_size": "0KiB"}) as connection:
        with pytest.raises(duckdb.Error) as caught:
            connection.execute("SELECT i, md5(i::VARCHAR) FROM range(10_000_000) t(i) ORDER BY 2").fetchall()
        assert statement_error(caught.value).slug == "out-of-memory"
        with pytest.raises(duckdb.Error) as caught:
            connection.execute("SELECT error('no')")
        assert isinstance(statement_error(caught.value), QuestionError)
