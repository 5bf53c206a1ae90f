"""A gateway that is killed while it publishes serves the old release or the new one, whole, when it is back."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.gateway.process import Process
from tests.gateway.shop import CORA, laid, release, times
from tests.nightly import is_nightly
from workbench.declare.settings import Gateway
from workbench.gateway.keyring import open_keyring
from workbench.gateway.parcel import packed
from workbench.warehouse.audit import Audit
from workbench.warehouse.releases import Releases, releases


class Publisher(threading.Thread):
    """Publishes one release after the other until the gateway is gone; each of them tells its number."""

    def __init__(self, url: str, token: str, store: Releases, number: int) -> None:
        super().__init__()
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self.store, self.done, self.tried = store, number, number
        self.foul = ""
        self.one_done = threading.Event()

    def run(self) -> None:
        """Publish until the connection breaks off."""
        with self.client:
            while not self.foul:
                before = self.store.current()
                current = before.manifest if before else None
                # A number that was written and never switched to is gone.
                highest = max((one.manifest.number for one in self.store.history()), default=0)
                self.tried = highest + 1
                try:
                    answer = self.client.post(
                        "/v1/releases", json=packed(*release(times(self.tried), current, number=self.tried))
                    )
                except httpx.TransportError:
                    return
                if answer.status_code != 201:
                    self.foul = answer.text
                self.done = self.tried
                self.one_done.set()


@pytest.mark.slow
@pytest.mark.nightly
def test_a_gateway_killed_while_publishing_serves_the_old_release_or_the_new_one_whole(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kills = 200 if is_nightly(request) else 1
    process, store, chance = Process(laid(tmp_path)), releases(tmp_path, "dev"), random.Random(kills)
    done, between = 0, 0
    (token,) = process.tokens(CORA)
    try:
        for turn in range(kills):
            process.start()
            publisher = Publisher(process.url, token, store, done)
            publisher.start()
            if turn % 4 != 1:  # what comes first takes longest: the rest is killed at any point of a publication
                publisher.one_done.wait(60)
            time.sleep(chance.uniform(0, 0.5))
            process.kill()
            publisher.join(60)
            assert not publisher.foul, publisher.foul
            current = store.current()
            if current is None:
                assert publisher.done == 0, "nothing that was told to be served is lost"
                continue
            assert current.manifest.number in (publisher.done, publisher.tried)
            assert store.served() is not None, "each file is as it was signed"
            between += current.manifest.number != publisher.done
            done = current.manifest.number
        process.start()
        told = httpx.get(f"{process.url}/v1/about", headers={"Authorization": f"Bearer {token}"}).json()
        asked = {"url": f"{process.url}/v1/questions", "headers": {"Authorization": f"Bearer {token}"}}
        answer = httpx.post(**asked, json={"metrics": ["revenue"]}, timeout=60)  # type: ignore[arg-type]
        assert told["release"].startswith(f"{done}:")
        assert answer.json()["rows"] == [{"revenue": 10 * done}]
    finally:
        process.close()
    assert done >= kills / 2, "most publishers got somewhere before the gateway was killed"
    left = [one.name for one in store.folder.iterdir() if one.name.startswith(".") and one.name != ".lock"]
    assert len(left) <= 2, "what a kill left is cleaned by the next publisher"
    keyring = open_keyring(tmp_path, Gateway())
    audit = Audit(process.ledger, keyring.audit, keyring.head)
    try:
        assert audit.verify(), audit.verify().problem
        seen = [one for one in audit.search(limit=1_000_000) if one.verb == "publish:metric"]
        numbers = {one.resources[0] for one in seen if one.decision == "allow"}
    finally:
        audit.close()
    history = {f"release {one.manifest.number} to dev" for one in store.history()}
    assert history <= numbers, "whatever was ever served stands in the record"
    print(f"{kills} kills, {done} releases, {between} times the switch was made and the answer lost")
