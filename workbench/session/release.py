"""A checked-out folder to the commit that it holds, read from the files of git."""

from __future__ import annotations

from pathlib import Path


def short_commit(root: Path) -> str:
    """The first figures of the checked-out commit, read from the files of git; '' outside a repository."""
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head[:8]
        ref = head.removeprefix("ref: ")
        if (git / ref).is_file():
            return (git / ref).read_text(encoding="utf-8").strip()[:8]
        packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next((line.split()[0][:8] for line in packed if line.endswith(f" {ref}")), "")
    except OSError:
        return ""
