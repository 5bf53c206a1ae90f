"""The ``[tool.workbench]`` table of a workspace's pyproject.toml to settings."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from workbench.declare.shape import keys_of, said
from workbench.declare.terms import Name, Term, Words
from workbench.errors import DeclarationError, Place, Problem, did_you_mean


class Environment(Term):
    """Where one environment's data lives, and what an embedded one is built from."""

    warehouse: str = ".workbench/warehouse.duckdb"
    url: str = Field("", description="Instead of a file: postgresql://user@host/database, without its password.")
    source: str | None = None
    keys: Literal["verified", "trusted"] = Field(
        "verified", description="Trusted: joins are made on declared keys without a look at whether they are unique."
    )

    @field_validator("url")
    @classmethod
    def _without_secret(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
            raise ValueError("'url' is an address such as postgresql://user@host/database")
        if parts.password is not None or "password" in parts.query:
            raise ValueError("a password must not stand here; give it in PGPASSWORD or in ~/.pgpass")
        return url

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        if self.url and ("warehouse" in self.model_fields_set or self.source is not None):
            raise ValueError("'url' takes the place of 'warehouse' and 'source': an existing database is not built")
        return self


class Oidc(Term):
    """An identity provider whose logins and tokens are believed, and how its claims are read."""

    issuer: str
    client_id: str = Field(description="What the provider calls this gateway; browsers log in with it.")
    audience: Words = Field((), description="Audiences of tokens that services bring; the client's id is always one.")
    algorithms: tuple[Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"], ...] = (
        "RS256",
        "ES256",
    )
    name_claim: str = Field("email", description="The claim that names a person; 'email' counts only when verified.")
    groups_claim: str | None = None
    groups: dict[str, Name] = Field({}, description="From a value of the groups claim to a group of access/groups.yml.")
    attributes: dict[Name, str] = Field({}, description="From an attribute of row rules to the claim that has it.")
    scopes: Words = ("openid", "email", "profile")
    leeway: int = Field(30, ge=0, le=300, description="Seconds that clocks may differ.")


class Hub(Term):
    """A JupyterHub whose tokens are believed."""

    api: str = Field(description="Its API, such as http://127.0.0.1:8081/hub/api")
    domain: str = Field("", description="What follows the @ in the names of access/, where the Hub's have none.")
    scope: str = Field("", description="A scope that a token must have, such as access:services!service=workbench")
    rights: Words = Field(
        ("query", "draft:metric"),
        description="What its tokens are good for, as scopes of our own; each lies open in a kernel.",
    )


class Gateway(Term):
    """How the server that owns the warehouse is reached, and whom it believes; secrets never stand here."""

    url: str = Field("", description="Where browsers reach it, such as https://workbench.example")
    dashboards: str = Field("", description="Where browsers reach the dashboards; a login may lead back there.")
    authentication: Literal["required", "local"] = Field(
        "required", description="Local: whoever connects from this machine without a token is the laptop's identity."
    )
    ledger: str = Field("", description="An SQLAlchemy URL without a password; WORKBENCH_LEDGER may hold one with.")
    keys: str = Field(".workbench/gateway", description="Folder of the gateway's own secrets; nobody else may read it.")
    session_hours: int = Field(8, ge=1, le=168, description="How long a login in a browser lasts.")
    oidc: Oidc | None = None
    jupyterhub: Hub | None = None


class Lint(Term):
    """Which rules of lint apply, and how strictly."""

    ignore: Words = Field((), description="Rules that are not looked at.")
    ignore_for: dict[str, Words] = Field({}, description="From a name to the rules that are not looked at for it.")
    require: Words = Field((), description="Rules that must be kept: findings are errors, and stop a merge.")
    description_length: int = Field(30, ge=0, description="The fewest characters of a description that says something.")


class Notices(Term):
    """Who is told of what happens to numbers; addresses hold secrets, so they stand in environment variables."""

    urls_from: Words = Field(
        (), description="Names of environment variables, each with an address as apprise knows it."
    )
    on: tuple[Literal["release", "rollback", "refusal", "deprecation"], ...] = (
        "release",
        "rollback",
        "refusal",
        "deprecation",
    )
    days_before: int = Field(14, ge=0, description="How long before its last day a deprecated metric is told of.")


class Settings(Term):
    """A workspace's name, environments and the identity a laptop uses."""

    name: str = ""
    identity: str | None = None
    default_environment: Name = "dev"
    environments: dict[Name, Environment] = {}
    gateway: Gateway = Gateway()
    lint: Lint = Lint()
    notices: Notices = Notices()

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
    except RecursionError:
        raise DeclarationError(Problem("bad-settings", "nested too deeply.", Place("pyproject.toml"))) from None
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(Problem("bad-settings", f"not TOML: {error}.", Place("pyproject.toml"))) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DeclarationError(Problem("unreadable-file", f"cannot be read: {why}.", Place("pyproject.toml"))) from None
    except ValidationError as error:
        raise DeclarationError(map(_bad, error.errors(include_url=False))) from None


def _bad(detail: ErrorDetails) -> Problem:
    *_, name = path = detail["loc"] or ("",)
    unknown = detail["type"] == "extra_forbidden"
    hint = did_you_mean(str(name), keys_of(Settings, path[:-1])) if unknown else ""
    said_of = f"[tool.workbench] {'.'.join(map(str, path))}: {said(detail)}."
    return Problem("bad-settings", said_of, Place("pyproject.toml"), hint)
