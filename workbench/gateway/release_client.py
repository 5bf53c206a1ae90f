"""A gateway's address to the releases of its environment: listed, published, and served again from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from workbench.access.principal import Principal
from workbench.access.publication import Follows
from workbench.declare.manifest import Manifest, Signed
from workbench.errors import Problem, ReviewError
from workbench.gateway.parcel import packed
from workbench.gateway.transport import Transport
from workbench.session.door import About
from workbench.warehouse.releases import ReleaseCard

_ABOUT: TypeAdapter[About] = TypeAdapter(About)
_CARD: TypeAdapter[ReleaseCard] = TypeAdapter(ReleaseCard)
_CARDS: TypeAdapter[tuple[ReleaseCard, ...]] = TypeAdapter(tuple[ReleaseCard, ...])
_PRINCIPAL: TypeAdapter[Principal] = TypeAdapter(Principal)
_SIGNED: TypeAdapter[Signed] = TypeAdapter(Signed)


class RemoteReleases:
    """The releases behind a gateway, as whoever the token belongs to."""

    def __init__(self, url: str, token: str | None, environment: str = "") -> None:
        """Raises `ReviewError` (other-environment) where the gateway is that of another ``environment``."""
        self._transport = Transport(url, token)
        self.about: About = self._transport.get(_ABOUT, "v1", "about")
        if environment not in ("", self.about.environment):
            said = f"the gateway at '{url}' is that of '{self.about.environment}', not of '{environment}'."
            raise ReviewError(Problem("other-environment", said, hint="Each environment has a gateway of its own."))

    def publisher(self) -> str:
        """Who the token says that one is."""
        return self._transport.get(_PRINCIPAL, "v1", "me").name

    def cards(self) -> Sequence[ReleaseCard]:
        """Every release there was, the latest first."""
        return self._transport.get(_CARDS, "v1", "releases")

    def find(self, name: str) -> Signed:
        """A release by its number or the first digits of its digest."""
        return self._transport.get(_SIGNED, "v1", "releases", name)

    def publish(self, signed: Signed, files: Mapping[str, bytes]) -> None:
        """Have a release served; raises what is wrong with it, as it was raised over there."""
        self._transport.post(_CARD, "v1", "releases", body=packed(signed, files))

    def serve_again(self, name: str) -> tuple[str, Manifest]:
        """Serve an earlier release: who did, and which it is."""
        found = self._transport.post(_SIGNED, "v1", "releases", name, "serve", body={})
        return self.publisher(), found.manifest

    def follows(self) -> Follows:
        """What the next release is made on top of."""
        cards = self.cards()
        served = next((self.find(card.digest).manifest for card in cards if card.served), None)
        highest = max((card.number for card in cards), default=0)
        return Follows(self.about.name, self.about.environment, served, highest)
