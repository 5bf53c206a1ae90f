"""Turns what PostgreSQL and its driver raise into problems with a slug."""

from __future__ import annotations

import psycopg
from psycopg import errors

from workbench.errors import Problem, QuestionError, WarehouseError, WorkbenchError


def connecting_error(where: str, error: psycopg.Error) -> WarehouseError:
    """Why there is no connection to the server named."""
    said = _first_line(error)
    if "password" in said or "authentication" in said or "role" in said or "permission denied" in said:
        hint = "Give the password in PGPASSWORD or in the file ~/.pgpass; it never stands in pyproject.toml."
        return WarehouseError(Problem("no-permission", f"PostgreSQL at {where} lets nobody in: {said}", hint=hint))
    hint = "Is the server running, and 'url' of the environment in pyproject.toml right?"
    return WarehouseError(Problem("no-warehouse", f"No PostgreSQL answers at {where}: {said}", hint=hint))


def statement_error(error: psycopg.Error) -> WorkbenchError:
    """Why PostgreSQL would not run a statement."""
    said = _first_line(error)
    if isinstance(error, errors.QueryCanceled):
        return WarehouseError(Problem("stopped", "The query was stopped before it ended."))
    if isinstance(error, errors.InsufficientPrivilege):
        hint = "Ask its owner to grant SELECT to the user of the environment's 'url'."
        return WarehouseError(Problem("no-permission", f"PostgreSQL refuses: {said}", hint=hint))
    if isinstance(error, errors.InsufficientResources):
        hint = "Ask for fewer groups or a shorter time."
        return WarehouseError(Problem("out-of-memory", f"The query needs more than the server has: {said}", hint=hint))
    if isinstance(error, psycopg.ProgrammingError | psycopg.DataError | psycopg.NotSupportedError):
        return QuestionError(Problem("bad-sql", said))
    hint = "Ask again; if it happens again, report it with the SQL."
    return WarehouseError(Problem("engine-failed", f"PostgreSQL gave up: {said}", hint=hint))


def _first_line(error: psycopg.Error) -> str:
    diagnosis = error.diag.message_primary if error.diag else None
    return (diagnosis or str(error).strip().partition("\n")[0] or type(error).__name__).strip()
