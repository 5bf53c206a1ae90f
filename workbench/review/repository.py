"""A git repository to plain data: commits, files and contents, read without running anything of them."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from workbench.errors import Problem, ReviewError, did_you_mean

REGULAR = ("100644", "100755")
"""Modes of plain files; links (120000) and other repositories (160000) are never followed."""
_SAFE = (
    *("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "protocol.allow=never"),
    *("-c", "log.showSignature=false", "-c", "core.alternateRefsCommand="),
)
"""What a repository's own configuration could otherwise have git start, or say."""
_SILENT = {
    "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C",
    "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull,
}  # fmt: skip
"""Git asks nobody, fetches nothing, and gives each commit as it is, whatever stands in for it here."""


LEFT_OUT = "This clone leaves contents out: run 'git fetch --refetch --no-filter'."


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree: what kind of thing stands there, and the hash of its content."""

    path: str
    mode: str
    oid: str

    @property
    def is_plain(self) -> bool:
        """Whether it is a file, not a link and not another repository."""
        return self.mode in REGULAR


@dataclass(frozen=True, slots=True)
class Moved:
    """A path that differs between two trees; '' where it is absent, both names where it was renamed."""

    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Repository:
    """The top folder of a work tree, and the folder of the workspace in it ('' or ending in a slash)."""

    top: Path
    prefix: str


def repository(workspace: Path) -> Repository:
    """The repository that holds a workspace; raises `ReviewError` (no-repository, no-git)."""
    found = _git(workspace, "rev-parse", "--show-toplevel", "--show-prefix", check=False)
    if found.returncode:
        said = found.stderr.decode(errors="replace").strip()
        hint = "Run 'git init' and commit the workspace."
        if "dubious ownership" in said:
            hint = "It belongs to somebody else: run as its owner, or add it to git's 'safe.directory'."
        raise ReviewError(Problem("no-repository", f"'{workspace.name}' is in no git repository.", hint=hint))
    top, prefix = [*found.stdout.decode(errors="surrogateescape").split("\n"), ""][:2]
    return Repository(Path(top), prefix)


def commit_of(repo: Repository, revision: str) -> str:
    """The commit that a branch, tag or hash names; raises `ReviewError` (unknown-revision)."""
    found = _git(
        repo.top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", check=False
    )
    if found.returncode:
        hint = did_you_mean(revision, _branches(repo)) or _shallow(repo) or "Fetch it first: git fetch origin."
        raise ReviewError(Problem("unknown-revision", f"no commit '{revision}' here.", hint=hint))
    return found.stdout.decode().strip()


def _branches(repo: Repository) -> list[str]:
    """The branches and tags that are here, by the names that people type."""
    found = _git(repo.top, "for-each-ref", "--format=%(refname:short)", check=False)
    return found.stdout.decode(errors="replace").split()


def first_parent(repo: Repository, commit: str) -> str:
    """The commit that a merge was made on top of; '' for the first of all. Raises `ReviewError` (unknown-revision)."""
    found = _git(repo.top, "rev-parse", "--verify", "--quiet", f"{commit}^1", check=False)
    if found.returncode and (hint := _shallow(repo)):
        raise ReviewError(Problem("unknown-revision", f"what '{commit[:12]}' was made on is not here.", hint=hint))
    return found.stdout.decode().strip()


def common_ancestor(repo: Repository, base: str, head: str) -> str:
    """The commit both started from; raises `ReviewError` (no-common-ancestor)."""
    found = _git(repo.top, "merge-base", base, head, check=False)
    if found.returncode:
        hint = _shallow(repo) or "The two histories never met: rebase the change on its base."
        said = f"'{base[:12]}' and '{head[:12]}' have no commit in common."
        raise ReviewError(Problem("no-common-ancestor", said, hint=hint))
    return found.stdout.decode().split()[0]


def entries(repo: Repository, commit: str) -> Mapping[str, Entry]:
    """Every path of a commit, seen from the top folder.

    Raises `ReviewError` (not-a-plain-file) for one that leads elsewhere or stands there twice: git makes no such
    commit, but takes it from whoever made it by hand, and whoever writes its files down would write where they want.
    """
    out = _git(repo.top, "ls-tree", "-r", "-z", "--full-tree", commit).stdout
    found = (line.partition(b"\t") for line in out.split(b"\0") if line)
    parts = [(head.decode().split(), os.fsdecode(path)) for head, _, path in found]
    times = Counter(path for _, path in parts)
    folders = {folder for path in times for folder in _folders(path)}
    odd = next((path for path in times if times[path] > 1 or path in folders or _leads_out(path)), "")
    if odd:
        said = f"'{odd}' of commit '{commit[:12]}' is no path of one file in the repository."
        hint = "Git makes no such commit: do not merge it, and ask whoever made it by hand."
        raise ReviewError(Problem("not-a-plain-file", said, hint=hint))
    return {path: Entry(path, mode, oid) for (mode, _, oid), path in parts}


def _folders(path: str) -> Iterator[str]:
    at = path.find("/")
    while at > 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _leads_out(path: str) -> bool:
    return any(one in ("", ".", "..") or one.casefold() == ".git" or os.sep in one for one in path.split("/"))


def work_tree(repo: Repository) -> Mapping[str, Entry]:
    """Every path of the work tree that git tracks or would; contents that lie here are named by no hash."""
    out = _git(repo.top, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name", ":/").stdout
    paths = sorted({os.fsdecode(path) for path in out.split(b"\0") if path})
    return _left_out(repo) | {path: Entry(path, mode, "") for path in paths if (mode := _mode(repo.top / path))}


def _left_out(repo: Repository) -> dict[str, Entry]:
    """What a sparse work tree leaves out: it is not here, and not gone."""
    out = _git(repo.top, "ls-files", "-z", "-t", "--stage", "--full-name", ":/").stdout
    lines = (line.partition(b"\t") for line in out.split(b"\0") if line.startswith(b"S "))
    parts = ((head.decode().split(), os.fsdecode(path)) for head, _, path in lines)
    return {path: Entry(path, mode, oid) for (_, mode, oid, _), path in parts}


def moved(repo: Repository, base: str, head: str | None) -> tuple[Moved, ...]:
    """The paths that differ between two commits, or a commit and the work tree, renames recognized."""
    to = [head] if head else []
    # What is said of other repositories, here or in the change, must not hide that they changed.
    whole = ("--ignore-submodules=none", "--no-relative", "-O" + os.devnull)
    plain = ("--raw", "-z", "-M", "--no-ext-diff", "--no-textconv", "--no-abbrev", *whole)
    out = _git(repo.top, "diff", *plain, base, *to).stdout
    words = iter(out.split(b"\0"))
    found = list(_moved(words))
    if head is None:
        known = {one.now for one in found} | set(entries(repo, base))
        found += [Moved("", path) for path in work_tree(repo) if path not in known]
    return tuple(sorted(found, key=lambda one: (one.now or one.was, one.was)))


def _moved(words: Iterator[bytes]) -> Iterator[Moved]:
    for word in words:
        if not word.startswith(b":"):
            continue
        status = word.rsplit(b" ", 1)[1][:1]
        was = os.fsdecode(next(words))
        match status:
            case b"A":
                yield Moved("", was)
            case b"D":
                yield Moved(was, "")
            case b"R" | b"C":
                now = os.fsdecode(next(words))
                yield Moved(was if status == b"R" else "", now)
            case _:
                yield Moved(was, was)


def contents(repo: Repository, wanted: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """The bytes of plain files as they were committed, no filter applied; of the work tree, as they lie there."""
    todo = [entry for entry in wanted if entry.is_plain]
    yield from ((entry, (repo.top / entry.path).read_bytes()) for entry in todo if not entry.oid)
    held = [entry for entry in todo if entry.oid]
    asked = "".join(f"{entry.oid}\n" for entry in held).encode()
    out = _git(repo.top, "cat-file", "--batch", feed=asked).stdout if held else b""
    at = 0
    for entry in held:
        end = out.index(b"\n", at)
        if out[at:end].endswith(b"missing"):
            raise ReviewError(Problem("unknown-revision", f"the content of '{entry.path}' is not here.", hint=LEFT_OUT))
        size = int(out[at:end].rsplit(b" ", 1)[1])
        yield entry, out[end + 1 : end + 1 + size]
        at = end + size + 2


def lay_out(repo: Repository, tree: Mapping[str, Entry], folders: Iterable[str], into: Path) -> None:
    """Write the plain files of the workspace's ``folders`` (or single files) of a tree below ``into``."""
    inside = tuple(repo.prefix + folder for folder in folders)
    wanted = [e for e in tree.values() if any(e.path == one or e.path.startswith(f"{one}/") for one in inside)]
    for entry, content in contents(repo, wanted):
        target = into / entry.path.removeprefix(repo.prefix)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _mode(path: Path) -> str:
    if path.is_symlink():
        return "120000"
    return "160000" if path.is_dir() else "100644" if path.is_file() else ""


def _shallow(repo: Repository) -> str:
    """What to do where the clone holds only a part of the history; '' where it holds all."""
    said = _git(repo.top, "rev-parse", "--is-shallow-repository").stdout.strip()
    return "This clone is shallow: run 'git fetch --unshallow'." if said == b"true" else ""


def _git(
    folder: Path, *words: str, feed: bytes = b"", check: bool = True, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a plumbing command of git; raises `ReviewError` (no-git, git-failed)."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | _SILENT | dict(more or {})
    try:
        done = subprocess.run(
            ["git", *_SAFE, *words], cwd=folder, env=environment, input=feed, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise ReviewError(Problem("no-git", "there is no 'git' on this machine.", hint="Install git.")) from None
    if check and done.returncode:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or ["it gave no reason"])[-1]
        hint = LEFT_OUT if "promisor" in said or "transport" in said else ""  # it would fetch, and may not
        raise ReviewError(Problem("git-failed", f"git {words[0]} failed: {said}.", hint=hint))
    return done


@dataclass(frozen=True, slots=True)
class Signed:
    """A commit, and the name of the key that verifiably signed it; '' where none did.

    It ``adds`` nothing where its files are those of a parent that all others lead to: an empty commit, or the merge of
    a branch that was up to date.
    """

    commit: str
    signer: str
    adds: bool
    parents: tuple[str, ...]
    message: str


def signed_commits(repo: Repository, base: str, head: str, signers: Path) -> tuple[Signed, ...]:
    """The commits of a change, oldest first, with whoever signed them by a key of the file ``signers``."""
    # Programs that the repository's configuration names are never started.
    programs = ("gpg.format=ssh", "gpg.program=false", "gpg.x509.program=false", "gpg.ssh.program=ssh-keygen")
    options = [word for one in (*programs, f"gpg.ssh.allowedSignersFile={signers}") for word in ("-c", one)]
    form = "%H%x00%G?%x00%GS%x00%T%x00%P%x00%s"
    out = _git(
        repo.top, *options, "log", "-z", "--reverse", "--topo-order", f"--format={form}", f"{base}..{head}"
    ).stdout
    words = out.decode(errors="replace").split("\0")
    found = []
    for at in range(0, len(words) - 5, 6):
        commit, state, signer, tree, parents, message = words[at : at + 6]
        before = tuple(parents.split())
        adds = not any(_same_files(repo, tree, parent, before) for parent in before)
        found.append(Signed(commit, signer if state == "G" else "", adds, before, message))
    return tuple(found)


def _same_files(repo: Repository, tree: str, parent: str, parents: tuple[str, ...]) -> bool:
    """Whether a tree is that of a parent which has all the others behind it: then nothing of theirs was thrown away."""
    if _git(repo.top, "rev-parse", f"{parent}^{{tree}}").stdout.decode().strip() != tree:
        return False
    others = (one for one in parents if one != parent)
    return all(not _git(repo.top, "merge-base", "--is-ancestor", o, parent, check=False).returncode for o in others)


def branch_with(repo: Repository, branch: str, start: str, path: str, content: bytes, message: str) -> str:
    """One more commit on a branch, which starts at ``start`` where it is new, with a file as given.

    It is made aside: neither files that lie here nor the index change.
    """
    was = tip_of(repo, branch)
    start = was or start
    blob = _git(repo.top, "hash-object", "-w", "--stdin", feed=content).stdout.decode().strip()
    with TemporaryDirectory(prefix="workbench-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git(repo.top, "read-tree", start, more=index)
        _git(repo.top, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", more=index)
        tree = _git(repo.top, "write-tree", more=index).stdout.decode().strip()
    if was and tree == _git(repo.top, "rev-parse", f"{was}^{{tree}}").stdout.decode().strip():
        return was  # it is there as it should be
    signs = _git(repo.top, "config", "--type=bool", "--get", "commit.gpgSign", check=False).stdout.strip() == b"true"
    sign = ("-S",) if signs else ()  # plumbing would leave out what whoever commits here asked for
    commit = _git(repo.top, "commit-tree", *sign, tree, "-p", start, "-m", message).stdout.decode().strip()
    _git(repo.top, "update-ref", f"refs/heads/{branch}", commit, was or "0" * len(commit))
    return commit


def tip_of(repo: Repository, branch: str) -> str:
    """The commit that a branch stands at; '' where there is no such branch."""
    found = _git(repo.top, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}", check=False)
    return "" if found.returncode else found.stdout.decode().strip()


def branch_here(repo: Repository) -> str:
    """The branch that is checked out; '' on a detached head."""
    found = _git(repo.top, "symbolic-ref", "--short", "--quiet", "HEAD", check=False)
    return "" if found.returncode else found.stdout.decode().strip()


def remote_url(repo: Repository) -> str:
    """Where the remote 'origin' is; '' where there is none."""
    found = _git(repo.top, "config", "--get", "remote.origin.url", check=False)
    return "" if found.returncode else found.stdout.decode().strip()


def push(repo: Repository, branch: str) -> None:
    """Push a branch to 'origin'; raises `ReviewError` (git-failed)."""
    _git(repo.top, "-c", "protocol.allow=user", "push", "--quiet", "origin", f"refs/heads/{branch}")
