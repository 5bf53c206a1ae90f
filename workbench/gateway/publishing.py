"""A release that somebody sends to what a gateway serves: judged by the rules in force, switched at once, on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.requests import Request

from workbench.access.principal import Principal, identify
from workbench.access.publication import PUBLISH, ROLLBACK, Served, admit, needed
from workbench.access.rules import require
from workbench.declare.manifest import Signed, digest
from workbench.errors import Problem, ReviewError, WorkbenchError
from workbench.gateway.gateway import Gateway
from workbench.gateway.issuers import Issuers
from workbench.gateway.parcel import unpacked
from workbench.quality.releasable import laid_out, require_fit
from workbench.warehouse.releases import ReleaseCard, Releases, card_of, served_in


class Publishing:
    """The releases of a gateway's environment; it waits for disks and servers, so call it in a thread."""

    def __init__(self, gateway: Gateway, store: Releases) -> None:
        self._gateway = gateway
        self._store = store
        self._issuers = Issuers()

    def cards(self, request: Request) -> tuple[ReleaseCard, ...]:
        """Every release there was, for whoever may publish."""
        self.publisher(request)
        return self._store.cards()

    def find(self, name: str, request: Request) -> Signed:
        """One of them by its number or the first digits of its digest."""
        self.publisher(request)
        return self._store.find(name)

    def publisher(self, request: Request) -> Principal:
        """Who asks, if they may publish; raises `AccessDenied`, on record."""
        who = self._gateway.who(request)
        with self._refusals(who, PUBLISH, request):
            self._require(who, PUBLISH)
        return who

    def publish(self, body: bytes, request: Request) -> ReleaseCard:
        """Serve a release, if it may be; raises `WorkbenchError` with the rule that it breaks, on record."""
        who = self._gateway.who(request)
        with self._refusals(who, PUBLISH, request) as resources:
            signed, files = unpacked(body)
            manifest = signed.manifest
            resources.extend((f"release {manifest.number} to {manifest.environment}", digest(manifest)))
            claims = self._issuers.claims(signed, self._served(who).signers)

            def admitted() -> None:
                self._gateway.serving.settle()  # so that the rules in force are those of what is served now
                now = self._gateway.identity.anew(request.headers)
                served = self._served(now)
                self._require(now, *needed(manifest, served.current))
                admit(signed, files, served, self._rights(now), claims)
                if manifest.by != now.name:
                    raise _another(manifest.by, now.name)

            admitted()  # before anything is written; data is looked at without a lock, and so all is asked once more
            with TemporaryDirectory(prefix="workbench-") as folder:
                require_fit(laid_out(files, Path(folder), manifest.environment), self._gateway.serving.engine)
            self._store.publish(signed, files, admitted, self._last(PUBLISH, resources, request))
        self._gateway.serving.settle()
        return card_of(manifest, True)

    def serve_again(self, name: str, request: Request) -> Signed:
        """Serve an earlier release; raises `WorkbenchError`, on record."""
        who = self._gateway.who(request)
        with self._refusals(who, ROLLBACK, request) as resources:
            resources.append(f"release {name} to {who.environment}")
            self._require(who, ROLLBACK)
            found = self._store.find(name)
            resources.append(digest(found.manifest))
            self._store.serve_again(found, self._last(ROLLBACK, resources, request))
        self._gateway.serving.settle()
        return found

    def _served(self, who: Principal) -> Served:
        serving = self._gateway.serving
        return served_in(serving.root, serving.workspace, who.environment)

    def _require(self, who: Principal, *verbs: str) -> None:
        for verb in verbs:
            require(who, verb, roles=self._gateway.serving.workspace.roles)

    def _rights(self, asker: Principal) -> Callable[[str], tuple[str, ...]]:
        now = self._gateway.serving.workspace
        return lambda who: identify(now.roles, now.groups, who, asker.environment).can

    def _last(self, verb: str, resources: list[str], request: Request) -> Callable[[], None]:
        """What is asked at the last moment: who it is now, and that it is on record; then it happens."""

        def confirmed() -> None:
            who = self._gateway.identity.anew(request.headers)
            self._require(who, verb)
            self._gateway.note_decision(who, verb, True, tuple(resources), (), request.state.request_id)

        return confirmed

    @contextmanager
    def _refusals(self, who: Principal, verb: str, request: Request) -> Iterator[list[str]]:
        """Record what is refused inside; the list given is of what it was about."""
        resources: list[str] = []
        try:
            yield resources
        except WorkbenchError as error:
            self._gateway.note_refusal(who, verb, error, "", request.state.request_id, tuple(resources))
            raise


def _another(by: str, who: str) -> ReviewError:
    said = f"the release is refused: it says that '{by}' publishes it, and '{who}' does."
    return ReviewError(Problem("other-publisher", said, hint="Whoever makes it sends it."))
