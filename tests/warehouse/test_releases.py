"""What is served is always a whole release: the old one or the new one, whenever a publisher dies."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from tests.nightly import is_nightly
from workbench.declare.manifest import Manifest, Signed, digest
from workbench.errors import QuestionError, ReviewError, WarehouseError, WorkbenchError
from workbench.warehouse.releases import Releases


def release(number: int, size: int = 1, previous: str = "") -> tuple[Signed, dict[str, bytes]]:
    """A release of so many files, each of which tells its number."""
    files = {f"metrics/{n}.yml": f"{number}".encode() for n in range(size)}
    manifest = Manifest(
        workspace="w", environment="dev", number=number, previous=previous, commit="c", by="ci",
        made=datetime(2026, 1, 1, tzinfo=UTC), files={p: sha256(c).hexdigest() for p, c in files.items()},
    )  # fmt: skip
    return Signed(manifest=manifest, key="k", signature="s"), files


def publish(store: Releases, number: int, size: int = 1) -> Signed:
    signed, files = release(number, size)
    store.publish(signed, files, lambda: None)
    return signed


def served(store: Releases) -> set[bytes]:
    """What the files of the served release say."""
    current = store.current()
    assert current is not None
    folder = store.content(digest(current.manifest))
    held = {path: (folder / path).read_bytes() for path in current.manifest.files}
    assert {path: sha256(content).hexdigest() for path, content in held.items()} == current.manifest.files
    return set(held.values())


def test_nothing_is_served_before_the_first(tmp_path: Path) -> None:
    store = Releases(tmp_path / "none")
    assert store.current() is None
    assert store.history() == ()


def test_a_release_is_looked_for_before_there_is_one(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="no release '3'. Nothing was released here yet."):
        Releases(tmp_path).find("3")


def test_releases_follow_each_other_and_an_earlier_one_comes_back(tmp_path: Path) -> None:
    store = Releases(tmp_path)
    one, two = publish(store, 1), publish(store, 2)
    assert (store.current(), served(store)) == (two, {b"2"})
    store.serve_again(store.find("1"))
    assert (store.current(), served(store)) == (one, {b"1"})
    assert store.history() == (two, one)
    assert store.find(digest(two.manifest)[:10]) == two
    with pytest.raises(QuestionError, match="no release '9'"):
        store.find("9")
    manifest = tmp_path / digest(one.manifest) / "manifest.json"
    for was, other in (('"format": 1', '"format": 2'), ('"commit"', '"revision"'), ('"commit": "c"', '"commit": "d"')):
        manifest.write_text(one.model_dump_json(indent=1).replace(was, other))
        with pytest.raises(WarehouseError, match="another version of this program"):
            store.current()


def test_what_is_refused_changes_nothing(tmp_path: Path) -> None:
    store = Releases(tmp_path)
    one = publish(store, 1)
    before = sorted(path.name for path in tmp_path.iterdir())

    def refuse() -> None:
        raise ReviewError(())

    with pytest.raises(ReviewError):
        store.publish(*release(2), refuse)
    assert store.current() == one
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_was_written_and_never_served_is_no_release(tmp_path: Path) -> None:
    """A crash between the two leaves a whole folder, which no other environment may take for one that was served."""
    store = Releases(tmp_path)
    one = publish(store, 1)
    named = (tmp_path / "current").read_text()
    two = publish(store, 2)
    (tmp_path / "current").write_text(named)
    assert (store.current(), store.history()) == (one, (one,))
    with pytest.raises(QuestionError, match="no release '2'"):
        store.find("2")
    assert (publish(store, 2), served(store)) == (two, {b"2"})
    assert store.history() == (two, one)
    shutil.rmtree(tmp_path / digest(one.manifest))
    assert store.history() == (two,), "an old one may be let go of"


def test_a_disk_that_takes_no_more_leaves_what_was_served(tmp_path: Path) -> None:
    store = Releases(tmp_path)
    one = publish(store, 1)
    signed, files = release(2)
    long = {**files, f"metrics/{'x' * 300}.yml": b""}  # a name that no file system takes
    with pytest.raises(WarehouseError, match="the release cannot be written: File name too long"):
        store.publish(signed, long, lambda: None)
    assert (store.current(), store.history()) == (one, (one,))
    assert publish(store, 2) == store.current()


def test_two_publishers_take_turns(tmp_path: Path) -> None:
    store = Releases(tmp_path)
    seen: list[int] = []

    def admit(number: int) -> None:
        current = store.current()
        seen.append(current.manifest.number if current else 0)
        time.sleep(0.05)
        if current and current.manifest.number >= number:
            raise ReviewError(())

    def run(number: int) -> None:
        try:
            store.publish(*release(number), lambda: admit(number))
        except WorkbenchError:
            refused.append(number)

    refused: list[int] = []
    threads = [threading.Thread(target=run, args=(5,)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert refused == [5, 5, 5]
    assert seen == [0, 5, 5, 5], "what one decides on is what it replaces"


PUBLISHER = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.warehouse.test_releases import Releases, release
store = Releases(Path({folder!r}))
current = store.current()
number = current.manifest.number if current else 0
print("ready", flush=True)
while True:
    number += 1
    store.publish(*release(number, 5), lambda: None)
"""


@pytest.mark.slow
@pytest.mark.nightly
def test_a_killed_publisher_leaves_the_old_release_or_the_new_one_whole(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kills = 200 if is_nightly(request) else 8
    code = PUBLISHER.format(root=str(Path(__file__).parents[2]), folder=str(tmp_path))
    store, chance, highest = Releases(tmp_path), random.Random(kills), 0
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        current = store.current()
        if current is not None:
            assert served(store) == {str(current.manifest.number).encode()}
            assert current.manifest.number >= highest, "nothing that was served is lost"
            highest = current.manifest.number
        assert all(one.manifest for one in store.history())
    assert highest > kills / 2, "most publishers got somewhere before they were killed"
    publish(store, highest + 1)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".") and p.name != ".lock"], "what was left is gone"
