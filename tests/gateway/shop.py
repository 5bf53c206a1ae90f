"""A gateway over a small shop, and releases for it: made, signed and sent as anybody could."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.gateway.running import running, token
from tests.review.play import WORKSPACE
from workbench.access.publication import SIGNED, sign
from workbench.access.signers import written_key
from workbench.declare.manifest import Manifest, Signed, digest
from workbench.gateway.bounds import Bounds
from workbench.gateway.gateway import Gateway
from workbench.gateway.parcel import packed
from workbench.warehouse.audit_read import Seen
from workbench.warehouse.releases import Releases, releases

PRIVATE, OTHER = bytes(range(32)), bytes(range(1, 33))
REVENUE = "metrics/sales/revenue.yml"
CORA, NOAH, SAM, PAULA = "github:cora", "github:noah", "github:sam", "github:paula"
SETTINGS = """
[tool.workbench]
name = "shop"
[tool.workbench.environments.dev]
warehouse = "shop.duckdb"
[tool.workbench.environments.prod]
warehouse = "shop.duckdb"
"""


def public_line(private: bytes) -> str:
    """The line of a key in the file of keys."""
    return written_key(Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw(), "ci") + "\n"


FILES: Mapping[str, str] = {**WORKSPACE, "pyproject.toml": SETTINGS, "access/release_keys": public_line(PRIVATE)}


def times(factor: int) -> dict[str, str]:
    """The shop's files with another meaning of revenue."""
    return {**FILES, REVENUE: WORKSPACE[REVENUE].replace("sum(amount)", f"sum(amount) * {factor}")}


def laid(root: Path, files: Mapping[str, str] = FILES) -> Path:
    """The shop's folder, with its data."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    with duckdb.connect(str(root / "shop.duckdb")) as made:
        made.execute("CREATE SCHEMA gold")
        made.execute(
            "CREATE TABLE gold.orders AS SELECT i AS id, DATE '2026-01-01' AS day, i AS amount, 'AT' AS country,"
            " 'm' AS mail, 1 AS margin FROM range(5) t(i)"
        )
    return root


def release(
    files: Mapping[str, str], current: Manifest | None = None, private: bytes = PRIVATE, **said: Any
) -> tuple[Signed, dict[str, bytes]]:
    """A signed release of files that follows another, by a publisher who may."""
    content = {name: text.encode() for name, text in files.items()}
    held: dict[str, Any] = {
        "workspace": "shop", "environment": "dev", "number": current.number + 1 if current else 1,
        "previous": digest(current) if current else "", "commit": "c0ffee", "made": datetime(2026, 1, 1, tzinfo=UTC),
        "by": CORA, "vouched": SIGNED, "authors": (CORA,), "approvals": (NOAH, SAM),
        "files": {name: sha256(text).hexdigest() for name, text in content.items()},
    }  # fmt: skip
    return sign(Manifest(**(held | said)), private), content


@dataclass
class Shop:
    """The gateway of the shop, and clients of it."""

    root: Path
    gateway: Gateway
    url: str

    @property
    def store(self) -> Releases:
        """Its releases of dev."""
        return releases(self.root, "dev")

    @property
    def current(self) -> Manifest | None:
        """What it serves."""
        found = self.store.current()
        return found.manifest if found else None

    @property
    def seen(self) -> list[Seen]:
        """What the audit has of releases, the latest first."""
        audit = self.gateway.audit
        assert audit is not None
        audit.flush()
        return [one for one in audit.search(limit=1000) if one.verb.startswith(("publish", "rollback"))]

    def client(self, name: str = CORA, scope: tuple[str, ...] = ("all",)) -> httpx.Client:
        """Somebody with a token of their own."""
        headers = {"Authorization": f"Bearer {token(self.gateway, name, scope)}"} if name else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=False)  # to load no certificates

    def send(self, made: tuple[Signed, Mapping[str, bytes]], name: str = CORA) -> httpx.Response:
        """Publish a release."""
        with self.client(name) as client:
            return client.post("/v1/releases", json=packed(*made))

    def sent(self, body: bytes, name: str = CORA, **headers: str) -> httpx.Response:
        """Send any bytes in the place of a release."""
        given = {"Content-Type": "application/json", **{key.replace("_", "-"): value for key, value in headers.items()}}
        with self.client(name) as client:
            return client.post("/v1/releases", content=body, headers=given)

    def revenue(self) -> Any:
        """What it answers."""
        with self.client() as client:
            return client.post("/v1/questions", json={"metrics": ["revenue"]}).json()["rows"][0]["revenue"]


@contextmanager
def open_shop(root: Path, bounds: Bounds | None = None, files: Mapping[str, str] = FILES) -> Iterator[Shop]:
    """A gateway over a shop of its own."""
    with running(laid(root, files), bounds) as (gateway, url):
        yield Shop(root, gateway, url)


def body_of(made: tuple[Signed, Mapping[str, bytes]]) -> dict[str, Any]:
    """The body that carries a release, to be changed."""
    copied: dict[str, Any] = json.loads(json.dumps(packed(*made)))
    return copied
