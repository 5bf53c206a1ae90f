"""A git repository to play in, and a workspace small enough to read at a glance."""

from __future__ import annotations

import subprocess
from pathlib import Path

WORKSPACE = {
    "access/roles.yml": """
roles:
  analyst: {can: ["query:adhoc", "read:metric", "read:dashboard", "draft:metric"]}
  contributor: {extends: analyst, can: ["propose:metric", "publish:metric", "publish:dashboard"]}
  steward: {extends: contributor, can: ["change:access", "rollback", "unmask:pii"]}
""",
    "access/groups.yml": """
groups:
  stewards: {role: steward, members: ["github:sam", "github:stella", sam@example.org, stella@example.org]}
  sales: {role: contributor, members: ["github:cora", "github:noah", cora@example.org, noah@example.org]}
  finance: {role: contributor, members: ["github:fred", fred@example.org]}
  partners: {role: analyst, members: ["github:paula"], attributes: {country: [AT]}}
""",
    "access/policies/orders.yml": """
resource: gold.orders
grant: [{to: [analyst], columns: "*"}]
restrict: [{name: own_country, to: ["group:partners"], rows: {column: country, op: in, attribute: country}}]
mask: [{tag: pii, with: hash, except: [steward]}]
deny: [{to: ["group:partners"], columns: [margin]}]
""",
    "metrics/models/orders.yml": """
semantic_model: orders
table: gold.orders
owner: sales
primary_key: id
time_dimension: day
dimensions:
  day: {type: time}
  country: {}
  mail: {tags: [pii]}
""",
    "metrics/sales/revenue.yml": "metric: revenue\nowner: sales\nmodel: orders\nexpr: sum(amount)\n",
    "metrics/sales/orders.yml": "metric: orders_placed\nowner: sales\nmodel: orders\nexpr: count(*)\n",
    "metrics/sales/average.yml": "metric: average\nowner: finance\nexpr: revenue / orders_placed\n",
    "metrics/saved_queries/weekly.yml": "saved_query: weekly\nowner: finance\nmetrics: [average]\nby: [country]\n",
    "notebooks/dashboards/page.yml": "dashboard: page\ntitle: Page\nowner: sales\nrows: [[{number: revenue}]]\n",
}


class Git:
    """A repository to play in, and its work tree as a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self("init", "-q", "-b", "main")

    def __call__(self, *words: str) -> str:
        who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "core.autocrlf=false")
        done = subprocess.run(["git", *who, *words], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, files: dict[str, str | None], *options: str, message: str = "work") -> str:
        """Write files (None deletes) and commit them."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode()) if text is not None else path.unlink()
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-m", message, *options)
        return self("rev-parse", "HEAD")

    def read(self, name: str) -> str:
        """A file of the work tree."""
        return (self.folder / name).read_text(encoding="utf-8")
