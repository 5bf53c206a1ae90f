"""The ``[tool.workbench]`` table of a workspace's pyproject.toml to settings."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from workbench.declare.terms import Name, Term
from workbench.errors import DeclarationError, Place, Problem


class Environment(Term):
    """Where one environment's data lives, and what an embedded one is built from."""

    warehouse: str = ".workbench/warehouse.duckdb"
    source: str | None = None
    keys: Literal["verified", "trusted"] = Field(
        "verified", description="Trusted: joins are made on declared keys without a look at whether they are unique."
    )


class Settings(Term):
    """A workspace's name, environments and the identity a laptop uses."""

    name: str = ""
    identity: str | None = None
    default_environment: Name = "dev"
    environments: dict[Name, Environment] = {}

    def environment(self, name: str | None = None) -> Environment:
        """The named environment, or the default one; raises `DeclarationError` (unknown-environment)."""
        wanted = name or self.default_environment
        if wanted in self.environments:
            return self.environments[wanted]
        if not self.environments and wanted == "dev":
            return Environment()
        there = ", ".join(self.environments) or "dev"
        raise DeclarationError(
            Problem(
                "unknown-environment", f"no environment '{wanted}'.", Place("pyproject.toml"), f"There is: {there}."
            )
        )


def read_settings(root: Path) -> Settings:
    """The settings of the workspace at ``root``; raises `DeclarationError` (bad-settings)."""
    file = root / "pyproject.toml"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return Settings.model_validate(data.get("tool", {}).get("workbench", {}))
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(Problem("bad-settings", f"not TOML: {error}.", Place("pyproject.toml"))) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DeclarationError(Problem("unreadable-file", f"cannot be read: {why}.", Place("pyproject.toml"))) from None
    except ValidationError as error:
        problems = [
            Problem(
                "bad-settings", f"[tool.workbench] {'.'.join(map(str, e['loc']))}: {e['msg']}.", Place("pyproject.toml")
            )
            for e in error.errors(include_url=False)
        ]
        raise DeclarationError(problems) from None
