"""A release is served only if it is signed, whole, next, approved and in order; each trick breaks its rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.access.publication import SIGNED, Served, admit, audience, needed, order_of, sign, vouch
from workbench.access.release_paths import unsafe
from workbench.access.signers import Job, Signers, key_id, read_signers, written_key
from workbench.declare.manifest import Manifest, Signed, digest, listed, read_signed
from workbench.errors import ReviewError

PRIVATE, OTHER = bytes(range(32)), bytes(range(1, 33))
FILES = {"metrics/a.yml": b"metric: a\n", "access/roles.yml": b"roles: {}\n"}


def manifest(**changed: Any) -> Manifest:
    held: dict[str, Any] = {
        "workspace": "shop", "environment": "dev", "number": 1, "commit": "c0ffee", "by": "ci", "authors": ("cora",),
        "made": datetime(2026, 1, 1, tzinfo=UTC), "approvals": ("noah",), "vouched": SIGNED,
        "files": {path: sha256(content).hexdigest() for path, content in FILES.items()},
    }  # fmt: skip
    return Manifest(**(held | changed))


def public(private: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


KEYS = {key_id(public(PRIVATE)): public(PRIVATE)}
JOB = {
    "repository": "our/shop",
    "workflow_ref": "our/shop/.github/workflows/r.yml@refs/heads/main",
    "ref": "refs/heads/main",
}
SIGNERS = Signers(KEYS, (Job("https://forge.example", JOB),))
RIGHTS = {
    "cora": ("publish:metric",), "noah": ("publish:metric",), "sam": ("publish:metric", "change:access"), "ana": (),
}  # fmt: skip


def served(
    current: Manifest | None = None,
    highest: int = 0,
    before: str = "",
    earlier: tuple[Manifest, ...] = (),
    history: tuple[Manifest, ...] = (),
) -> Served:
    return Served("shop", "dev", current, highest, history, before, earlier, SIGNERS)


FIRST = served()


def refused(
    signed: Signed, content: dict[str, bytes] = FILES, served: Served = FIRST, claims: dict[str, Any] | None = None
) -> str:
    try:
        admit(signed, content, served, lambda who: RIGHTS.get(who, ()), claims)
    except ReviewError as error:
        return error.slug if str(error).startswith("the release is refused") else str(error)
    return ""


def test_a_good_release_and_the_next_one_are_served() -> None:
    one = manifest()
    assert refused(sign(one, PRIVATE)) == ""
    two = manifest(number=2, previous=digest(one))
    assert refused(sign(two, PRIVATE), served=served(one, 1)) == ""


def test_a_pull_request_may_be_merged_on_top_of_whatever_was_served_here() -> None:
    gone = manifest(number=2, files={"metrics/a.yml": "2" * 64})
    for base in (ONE, gone):  # what was rolled back is still below what comes next
        on_top = manifest(number=3, previous=digest(ONE), vouched="github", onto=listed(base.files))
        assert refused(sign(on_top, PRIVATE), served=served(ONE, 2, history=(gone, ONE))) == ""
    later = manifest(number=2, previous=digest(ONE), vouched="github", onto="1" * 64)
    assert refused(sign(later, PRIVATE), served=served(ONE, 1, "dev", (ONE,), (ONE,))) == "", "the first one judged it"


ONE = manifest()
TWO = manifest(number=2, previous=digest(ONE))
AFTER = served(TWO, 2)
RULES_FILES = FILES | {"access/roles.yml": b"roles: {eve: {can: [rollback]}}\n"}
RULES = manifest(
    number=2, previous=digest(ONE), files={path: sha256(content).hexdigest() for path, content in RULES_FILES.items()}
)
TRICKS: dict[str, tuple[Callable[[], Signed], dict[str, bytes], Served, str]] = {
    "signed by nobody known": (lambda: sign(ONE, OTHER), FILES, FIRST, "unknown-key"),
    "another's signature under a known key": (
        lambda: sign(ONE, OTHER).model_copy(update={"key": key_id(public(PRIVATE))}), FILES, FIRST, "bad-signature",
    ),
    "no signature": (lambda: sign(ONE, PRIVATE).model_copy(update={"signature": ""}), FILES, FIRST, "bad-signature"),
    "a signature that is no number": (
        lambda: sign(ONE, PRIVATE).model_copy(update={"signature": "xyz"}), FILES, FIRST, "bad-signature",
    ),
    "a manifest changed after it was signed": (
        lambda: sign(ONE, PRIVATE).model_copy(update={"manifest": manifest(approvals=("sam",))}), FILES, FIRST,
        "bad-signature",
    ),
    "an old release played again": (lambda: sign(ONE, PRIVATE), FILES, AFTER, "replayed-release"),
    "the same release again": (lambda: sign(TWO, PRIVATE), FILES, AFTER, "replayed-release"),
    "an old number after a rollback": (lambda: sign(TWO, PRIVATE), FILES, served(ONE, 2), "replayed-release"),
    "one that skips what came in between": (
        lambda: sign(manifest(number=3, previous=digest(ONE)), PRIVATE), FILES, AFTER, "not-next",
    ),
    "a first one where there is one": (lambda: sign(manifest(number=3), PRIVATE), FILES, AFTER, "not-next"),
    "approved by nobody": (lambda: sign(manifest(approvals=()), PRIVATE), FILES, FIRST, "missing-approval"),
    "approved by its author": (lambda: sign(manifest(approvals=("cora",)), PRIVATE), FILES, FIRST, "missing-approval"),
    "written by nobody": (lambda: sign(manifest(authors=()), PRIVATE), FILES, FIRST, "missing-approval"),
    "of another workspace": (lambda: sign(manifest(workspace="bank"), PRIVATE), FILES, FIRST, "other-workspace"),
    "a file more": (lambda: sign(ONE, PRIVATE), FILES | {"access/more.yml": b""}, FIRST, "other-content"),
    "a file less": (lambda: sign(ONE, PRIVATE), {"metrics/a.yml": FILES["metrics/a.yml"]}, FIRST, "other-content"),
    "a file changed": (lambda: sign(ONE, PRIVATE), FILES | {"metrics/a.yml": b"metric: b\n"}, FIRST, "other-content"),
    "a file outside": (
        lambda: sign(manifest(files={"metrics/../../x": sha256(b"").hexdigest()}), PRIVATE),
        {"metrics/../../x": b""}, FIRST, "unsafe-path",
    ),
    "for another environment": (
        lambda: sign(manifest(environment="prod"), PRIVATE), FILES, FIRST, "other-environment",
    ),
    "approved by its author in other letters": (
        lambda: sign(manifest(approvals=(" CORA",)), PRIVATE), FILES, FIRST, "missing-approval",
    ),
    "approved by somebody who may not": (
        lambda: sign(manifest(approvals=("ana",)), PRIVATE), FILES, FIRST, "missing-approval",
    ),
    "approved by nobody known": (
        lambda: sign(manifest(approvals=("eve",)), PRIVATE), FILES, FIRST, "missing-approval",
    ),
    "rules that no steward approved": (lambda: sign(RULES, PRIVATE), RULES_FILES, served(ONE, 1), "missing-approval"),
    "signed by a job that nobody looked at": (lambda: vouch(ONE, "a.b.c"), FILES, FIRST, "unknown-key"),
    "a pull request on top of what was pushed past review": (
        lambda: sign(manifest(number=2, previous=digest(ONE), vouched="github", onto="1" * 64), PRIVATE), FILES,
        served(ONE, 1, history=(ONE,)), "unreviewed-change",
    ),
    "a pull request that does not tell what it is on top of": (
        lambda: sign(manifest(number=2, previous=digest(ONE), vouched="github"), PRIVATE), FILES,
        served(ONE, 1, history=(ONE,)), "unreviewed-change",
    ),
    "an environment left out": (lambda: sign(ONE, PRIVATE), FILES, served(before="dev"), "skipped-environment"),
    "other files than the environment before": (
        lambda: sign(ONE, PRIVATE), FILES, served(None, 0, "dev", (manifest(files={"metrics/a.yml": "0" * 64}),)),
        "skipped-environment",
    ),
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_are_refused_by_their_rule(trick: str) -> None:
    signed, content, served, slug = TRICKS[trick]
    assert refused(signed(), content, served) == slug


def test_rules_take_a_steward_where_they_are_first_released() -> None:
    by_sam = RULES.model_copy(update={"approvals": ("noah", "sam")})
    assert refused(sign(by_sam, PRIVATE), RULES_FILES, served(ONE, 1)) == ""
    assert refused(sign(RULES, PRIVATE), RULES_FILES, served(ONE, 1, "dev", (RULES,))) == "", "dev had a steward's word"


def test_whoever_publishes_pages_must_be_allowed_to() -> None:
    assert needed(ONE, None) == ("publish:metric",)
    page = manifest(files=ONE.files | {"notebooks/dashboards/page.yml": "0" * 64})
    assert needed(page, ONE) == needed(ONE, page) == ("publish:metric", "publish:dashboard")
    assert needed(page, page) == ("publish:metric",)


CLAIMS = {"iss": "https://forge.example", "sha": "c0ffee", **JOB}


def test_a_forge_vouches_for_a_job_that_is_trusted_and_for_its_commit() -> None:
    signed = vouch(ONE, "a.b.c")
    assert audience(ONE) == f"workbench:{digest(ONE)}"
    assert refused(signed, claims=CLAIMS | {"actor": "anybody"}) == ""
    for name in JOB:
        for value in ("", "x" + JOB[name], JOB[name].upper(), [JOB[name]], None):
            assert refused(signed, claims=CLAIMS | {name: value}) == "unknown-key", (name, value)
        assert refused(signed, claims={key: value for key, value in CLAIMS.items() if key != name}) == "unknown-key"
    assert refused(signed, claims=CLAIMS | {"iss": "https://evil.example"}) == "unknown-key"
    assert refused(signed, claims=CLAIMS | {"sha": "dead"}) == "other-head"
    assert refused(signed, claims={key: value for key, value in CLAIMS.items() if key != "sha"}) == "other-head"
    assert refused(signed, served=served(None, 0, "dev", (ONE,)), claims=CLAIMS | {"sha": "later"}) == ""


def test_jobs_are_read_strictly() -> None:
    said = " ".join(f"{name}={value}" for name, value in JOB.items())
    line = f"oidc:https://forge.example {said}"
    key = written_key(public(PRIVATE), "ci")
    assert read_signers(f"{key}\n{line} environment=prod\n") == Signers(
        KEYS, (Job("https://forge.example", {**JOB, "environment": "prod"}),)
    )
    wrong = [line.replace(f"{name}=", "x=") for name in JOB] + [f"{line} ref=refs/heads/evil", f"{line} environment="]
    for one in (*wrong, f"{line} environment", "oidc:https://forge.example", "oidc:"):
        with pytest.raises(ReviewError, match=r"line 2 of 'access/release_keys'"):
            read_signers(f"# jobs\n{one}\n")


UNSAFE = (
    "../x", "metrics/../access/x", "/metrics/x", "metrics//x", "metrics/./x", "metrics/", "metrics", "metrics\\x", "",
    "C:/metrics/x", "metrics/x\0.yml", "metrics/x\n", "metrics/a\u202eb", "metrics/\ud800", "metrics/ x", "metrics/...",
    "metrics/x.yml:stream", "metrics/" + "x" * 300, ".workbench/x", "workbench/x.py", ".github/workflows/x.yml",
    "notebooks/x.ipynb", "pyproject.toml/x", "METRICS/x.yml", "~/x", "metrics/x*",
)  # fmt: skip
TWINS = (
    ("metrics/a.yml", "metrics/A.yml"), ("metrics/a/x.yml", "metrics/A/y.yml"), ("metrics/a", "metrics/a/b"),
    ("metrics/\u00e9.yml", "metrics/e\u0301.yml"), ("metrics/fi.yml", "metrics/\ufb01.yml"),
)  # fmt: skip


@pytest.mark.parametrize("path", UNSAFE, ids=ascii)
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    assert unsafe([*FILES, path])


@pytest.mark.parametrize("twins", TWINS, ids=ascii)
def test_paths_that_pass_for_each_other_are_refused(twins: tuple[str, str]) -> None:
    assert not unsafe(twins[:1])
    assert unsafe(twins)
    assert unsafe(twins[::-1])


@given(st.lists(st.text("aA./\\é\u0301", max_size=8), max_size=4))
def test_what_is_safe_lies_in_its_folder_and_each_file_apart(
    tmp_path_factory: pytest.TempPathFactory, some: list[str]
) -> None:
    paths = {f"metrics/{one}" for one in some}
    if unsafe(paths):
        return
    folder = tmp_path_factory.mktemp("laid")
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    assert {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()} == paths
    assert len({one.casefold() for one in paths}) == len(paths)


def test_what_the_environment_before_served_may_follow() -> None:
    assert refused(sign(ONE, PRIVATE), served=served(None, 0, "dev", (ONE,))) == ""


def test_a_release_cannot_bring_its_own_key() -> None:
    brought = {"access/release_keys": written_key(public(OTHER), "eve").encode()} | FILES
    made = manifest(files={path: sha256(content).hexdigest() for path, content in brought.items()})
    assert refused(sign(made, OTHER), brought) == "unknown-key"


@given(st.sampled_from(sorted(Manifest.model_fields)), st.data())
def test_every_field_is_under_the_signature(field: str, data: st.DataObject) -> None:
    """Whatever is changed after signing is found, whichever part it is."""
    others: dict[str, Any] = {
        "format": None, "workspace": "x", "environment": "prod", "number": 7, "previous": "0" * 64, "commit": "dead",
        "made": datetime(2027, 1, 1, tzinfo=UTC), "by": "eve", "authors": ("eve",), "approvals": ("sam",),
        "vouched": "github", "onto": "3" * 64, "report": "1" * 64, "files": {}, "terms": {"metric a": "2" * 64},
    }  # fmt: skip
    assert others.keys() == Manifest.model_fields.keys(), "a new field needs a case"
    if others[field] is None:
        return
    changed = sign(ONE, PRIVATE).model_copy(update={"manifest": ONE.model_copy(update={field: others[field]})})
    assert refused(changed) == "bad-signature"


def test_keys_are_read_strictly() -> None:
    line = written_key(public(PRIVATE), "ci@example.org")
    assert read_signers(f"# ours\n\n{line}\n") == Signers(KEYS)
    for wrong in ("ed25519:AAAA ci", "rsa:AAAA", line.replace("ed25519:", ""), "ed25519:!!! ci"):
        with pytest.raises(ReviewError, match="is no key"):
            read_signers(wrong)


def test_environments_go_in_order() -> None:
    names = ["dev", "staging", "prod"]
    assert [order_of(names, one) for one in names] == ["", "dev", "staging"]


def test_a_manifest_survives_its_text_and_anything_else_is_refused() -> None:
    signed = sign(ONE, PRIVATE)
    assert read_signed(signed.model_dump_json().encode()) == signed
    for wrong in (b"", b"{}", b"[1]", signed.model_dump_json().replace('"number":1', '"number":0').encode()):
        with pytest.raises(ReviewError) as raised:
            read_signed(wrong)
        assert raised.value.slug == "bad-manifest"
    assert refused(replace_key(signed)) == "unknown-key"


def replace_key(signed: Signed) -> Signed:
    return signed.model_copy(update={"key": "0" * 16})
