"""Releases to folders that are served whole or not at all, and back."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from workbench.access.publication import Served, order_of
from workbench.access.signers import KEYS, Signers, read_signers
from workbench.declare.manifest import Manifest, Signed, digest, read_signed
from workbench.declare.workspace import Workspace
from workbench.errors import Problem, QuestionError, ReviewError, WarehouseError

MANIFEST = "manifest.json"
CURRENT = "current"
"""The file that names the release which is served, and below it all that ever were; to replace it is to publish."""


@dataclass(frozen=True, slots=True)
class ReleaseCard:
    """What a list of releases says of each."""

    environment: str
    number: int
    served: bool
    commit: str
    made: datetime
    by: str
    approvals: tuple[str, ...]
    declarations: int
    digest: str


class Releases:
    """The releases of one environment, below ``folder``; several processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self) -> Signed | None:
        """The release that is served; None where there never was one."""
        names = self._names()
        return self._read(self.folder / names[0]) if names else None

    def content(self, name: str) -> Path:
        """The folder with the files of a release, by its digest."""
        return self.folder / name / "files"

    def served(self) -> Path | None:
        """The folder of the files that are served, each of them as it was signed; None before the first release.

        Raises `WarehouseError` (broken-release) where a file is missing, is another, or is one too many.
        """
        current = self.current()
        return self.whole(current.manifest) if current else None

    def whole(self, manifest: Manifest) -> Path:
        """The folder of a release's files, each as it was signed; raises `WarehouseError` (broken-release)."""
        folder = self.content(digest(manifest))
        found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        found = {name: path for name, path in found.items() if not name.startswith(".workbench/")}
        wanted = manifest.files
        odd = [name for name in sorted(wanted.keys() | found.keys()) if not _is(found.get(name), wanted.get(name))]
        if odd:
            said = f"'{odd[0]}' of release {manifest.number} is not what was signed."
            raise WarehouseError(Problem("broken-release", said, hint="Serve another release, or publish it again."))
        return folder

    def history(self) -> tuple[Signed, ...]:
        """Every release there was and is kept, the latest first; what was never served whole is none."""
        there = [self.folder / name for name in self._names() if (self.folder / name).exists()]
        found = [self._read(folder) for folder in there]
        return tuple(sorted(found, key=lambda one: -one.manifest.number))

    def cards(self) -> tuple[ReleaseCard, ...]:
        """What is told of each release, the latest first."""
        current = self.current()
        return tuple(card_of(one.manifest, one == current) for one in self.history())

    def find(self, name: str) -> Signed:
        """A release by its number or the first digits of its digest; raises `QuestionError` (unknown-release)."""
        history = self.history()
        found = [one for one in history if str(one.manifest.number) == name]
        found = found or [one for one in history if len(name) >= 6 and digest(one.manifest).startswith(name)]
        if len(found) != 1:
            there = ", ".join(str(one.manifest.number) for one in history[:10])
            hint = f"There is: {there}." if there else "Nothing was released here yet."
            raise QuestionError(Problem("unknown-release", f"no release '{name}'.", hint=hint))
        return found[0]

    def publish(
        self,
        signed: Signed,
        content: Mapping[str, bytes],
        admit: Callable[[], None],
        confirm: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve a release that ``admit`` lets through, alone meanwhile; a crash leaves the one before it, or this.

        ``confirm`` is asked last, when everything is written and nothing is to be seen of it yet.
        """
        with self._alone():
            admit()
            name = digest(signed.manifest)
            if (self.folder / name / MANIFEST).exists():
                confirm()
            else:
                self._write(name, signed, content, confirm)
            self._switch(name)

    def serve_again(self, signed: Signed, confirm: Callable[[], None] = lambda: None) -> None:
        """Serve a release that was here before, if ``confirm`` lets it; raises `WarehouseError` (broken-release)."""
        with self._alone():
            self.whole(signed.manifest)
            confirm()
            self._switch(digest(signed.manifest))

    def _write(self, name: str, signed: Signed, content: Mapping[str, bytes], confirm: Callable[[], None]) -> None:
        aside = self.folder / f".{name}.{secrets.token_hex(4)}"
        for path, text in content.items():
            _written(aside / "files" / path, text)
        _written(aside / MANIFEST, signed.model_dump_json(indent=1).encode())
        # All at the end: the first one takes most of the others along.
        for folder, _, files in os.walk(aside, topdown=False):
            for file in (*files, ""):
                _flushed(Path(folder, file))
        with ExitStack() as refused:
            refused.callback(shutil.rmtree, aside, ignore_errors=True)
            confirm()
            refused.pop_all()
        shutil.rmtree(self.folder / name, ignore_errors=True)  # a part that a crash left, since it has no manifest
        os.replace(aside, self.folder / name)
        _flushed(self.folder)

    def _switch(self, name: str) -> None:
        names = [name, *(one for one in self._names() if one != name)]
        aside = self.folder / f".{CURRENT}.{secrets.token_hex(4)}"
        _written(aside, "".join(f"{one}\n" for one in names).encode())
        _flushed(aside)
        os.replace(aside, self.folder / CURRENT)
        _flushed(self.folder)

    def _names(self) -> list[str]:
        """The releases that were ever served, the one that is served first; one that only was written is none."""
        try:
            return (self.folder / CURRENT).read_text(encoding="ascii").split()
        except FileNotFoundError:
            return []

    def _read(self, folder: Path) -> Signed:
        try:
            signed = read_signed((folder / MANIFEST).read_bytes())
        except OSError as error:
            said = f"the release '{folder.name[:12]}' cannot be read: {error.strerror}."
            raise WarehouseError(Problem("broken-release", said, hint="Publish it again.")) from None
        except ReviewError:
            signed = None
        if signed is None or digest(signed.manifest) != folder.name:
            said = f"the release '{folder.name[:12]}' was made by another version of this program, or was changed."
            hint = f"Serve it by the version that made it, or move '{self.folder}' away and release anew."
            raise WarehouseError(Problem("broken-release", said, hint=hint))
        return signed

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self.folder / ".lock").open("w")
        except OSError as error:
            raise WarehouseError(
                Problem("no-permission", f"cannot write to the folder of releases: {error.strerror}.")
            ) from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in self.folder.glob(".[0-9a-f]*"):  # of publishers that were killed
                shutil.rmtree(left, ignore_errors=True)
            for left in self.folder.glob(f".{CURRENT}.*"):
                left.unlink(missing_ok=True)
            try:
                yield
            except OSError as error:
                said = f"the release cannot be written: {error.strerror}."
                hint = "What was served before still is."
                raise WarehouseError(Problem("cannot-write", said, hint=hint)) from None


def _is(path: Path | None, wanted: str | None) -> bool:
    """Whether a file is there, is wanted, and has the content of that digest."""
    return path is not None and wanted is not None and sha256(path.read_bytes()).hexdigest() == wanted


def _written(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _flushed(path: Path) -> None:
    """Have a file or a folder on the disk, whatever happens next."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def releases(root: Path, environment: str) -> Releases:
    """The releases of an environment of the workspace at ``root``."""
    return Releases(root / ".workbench" / "releases" / environment)


def card_of(manifest: Manifest, served: bool) -> ReleaseCard:
    """What a list says of one release."""
    return ReleaseCard(
        environment=manifest.environment,
        number=manifest.number,
        served=served,
        commit=manifest.commit,
        made=manifest.made,
        by=manifest.by,
        approvals=manifest.approvals,
        declarations=len(manifest.terms),
        digest=digest(manifest),
    )


def served_in(root: Path, now: Workspace, environment: str) -> Served:
    """What an environment serves, ever served, and what the one before it did; ``now`` is the workspace it serves.

    Raises `ReviewError` (bad-release-key) where its file of keys cannot be read.
    """
    here = releases(root, environment)
    before = order_of(tuple(now.settings.environments), environment)
    earlier = releases(root, before).history() if before else ()
    current = here.current()
    history = tuple(one.manifest for one in here.history())
    return Served(
        workspace=now.settings.name or root.name,
        environment=environment,
        current=current.manifest if current else None,
        highest=max((one.number for one in history), default=0),
        history=history,
        before=before,
        earlier=tuple(one.manifest for one in earlier),
        signers=_signers(here.content(digest(current.manifest)) if current else root),
    )


def _signers(folder: Path) -> Signers:
    try:
        return read_signers((folder / KEYS).read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return Signers()
