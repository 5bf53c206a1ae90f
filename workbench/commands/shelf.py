"""An environment to where its releases are kept: in this folder, or behind a gateway; with the same methods."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from workbench.commands.exits import say
from workbench.commands.options import Asker
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from workbench.access.publication import Follows
    from workbench.declare.manifest import Manifest, Signed
    from workbench.declare.workspace import Workspace
    from workbench.warehouse.releases import ReleaseCard

GATEWAY = click.option(
    "--gateway", metavar="URL", help="Ask the gateway of that environment, with the token in WORKBENCH_TOKEN."
)


class Shelf(Protocol):
    """The releases of one environment."""

    def follows(self) -> Follows:
        """What the next release is made on top of."""
        ...

    def publisher(self) -> str:
        """Who publishes here."""
        ...

    def publish(self, signed: Signed, files: Mapping[str, bytes]) -> None:
        """Have a release served; raises what is wrong with it."""
        ...

    def cards(self) -> Sequence[ReleaseCard]:
        """Every release there was, the latest first."""
        ...

    def find(self, name: str) -> Signed:
        """A release by its number or the first digits of its digest."""
        ...

    def serve_again(self, name: str) -> tuple[str, Manifest]:
        """Serve an earlier release: who did, and which it is."""
        ...


def shelf_of(asker: Asker, target: str, gateway: str | None) -> Shelf:
    """Where the releases of an environment are; raises `WorkbenchError`."""
    from workbench.declare.workspace import load

    if gateway:
        from workbench.gateway.release_client import RemoteReleases

        return RemoteReleases(gateway, os.environ.get("WORKBENCH_TOKEN"), target)
    return Here(load(asker.workspace_root()), asker, target)


class Here:
    """The releases in the folder of this workspace, which a gateway on this machine may serve."""

    def __init__(self, here: Workspace, asker: Asker, target: str) -> None:
        from workbench.warehouse.releases import releases

        here.settings.environment(target)
        self._here, self._asker, self._target = here, asker, target
        self._store = releases(here.root, target)

    def follows(self) -> Follows:
        """What the next release is made on top of."""
        from workbench.warehouse.releases import served_in

        return served_in(self._here.root, self._now(), self._target)

    def publisher(self) -> str:
        """Who publishes here: as this machine knows."""
        from workbench.session.identity import local_identity

        return local_identity(self._asker.user, self._here.settings.identity)

    def publish(self, signed: Signed, files: Mapping[str, bytes]) -> None:
        """Have a release served; raises what is wrong with it."""
        from tempfile import TemporaryDirectory

        from workbench.access.publication import PUBLISH, admit, needed
        from workbench.quality.releasable import laid_out, require_fit
        from workbench.warehouse.open import open_engine
        from workbench.warehouse.releases import served_in

        def admitted() -> None:
            now = self._now()
            served = served_in(self._here.root, now, self._target)
            self._require(now, needed(signed.manifest, served.current))
            admit(signed, files, served, lambda who: self._can(now, who))

        where = self._here.settings.environment(self._target)
        with self._on_record(PUBLISH, signed.manifest) as confirm:
            admitted()
            with (
                TemporaryDirectory(prefix="workbench-") as folder,
                closing(open_engine(self._here.root, where, say)) as engine,
            ):
                require_fit(laid_out(files, Path(folder), self._target), engine)
            self._store.publish(signed, files, admitted, confirm)

    def cards(self) -> Sequence[ReleaseCard]:
        """Every release there was, the latest first."""
        return self._store.cards()

    def find(self, name: str) -> Signed:
        """A release by its number or the first digits of its digest."""
        return self._store.find(name)

    def serve_again(self, name: str) -> tuple[str, Manifest]:
        """Serve an earlier release: who did, and which it is."""
        from workbench.access.publication import ROLLBACK

        found = self._store.find(name)
        with self._on_record(ROLLBACK, found.manifest) as confirm:
            self._require(self._now(), (ROLLBACK,))
            self._store.serve_again(found, confirm)
        return self.publisher(), found.manifest

    @contextmanager
    def _on_record(self, verb: str, manifest: Manifest) -> Iterator[Callable[[], None]]:
        """What to call at the last moment: it writes into the audit that this happens; so is what is refused inside."""
        from workbench.commands.records import open_records_of, this_user
        from workbench.declare.manifest import digest

        about = (f"release {manifest.number} to {self._target}", digest(manifest))
        with open_records_of(self._asker) as (audit, _):

            def decided(allowed: bool, *rules: str) -> None:
                audit.decision(
                    principal=self.publisher(), verb=verb, allowed=allowed, resources=about, rules=(*rules, this_user())
                )

            try:
                yield lambda: decided(True)
            except WorkbenchError as error:
                decided(False, *(problem.slug for problem in error.problems))
                raise

    def _now(self) -> Workspace:
        """The workspace that is served now; before the first release, as it lies here."""
        from workbench.declare.manifest import digest
        from workbench.declare.workspace import load

        current = self._store.current()
        return load(self._store.content(digest(current.manifest))) if current else self._here

    def _require(self, now: Workspace, verbs: Sequence[str]) -> None:
        from workbench.access.principal import identify
        from workbench.access.rules import require

        who = identify(now.roles, now.groups, self.publisher(), self._target)
        for verb in verbs:
            require(who, verb, roles=now.roles)

    def _can(self, now: Workspace, who: str) -> tuple[str, ...]:
        from workbench.access.principal import identify

        return identify(now.roles, now.groups, who, self._target).can
