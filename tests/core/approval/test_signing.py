from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stratum_core.approval import SigningKeys
from stratum_core.errors import ApprovalError, ConfigurationError
from stratum_core.journal import ApprovalRecord

RECORD = ApprovalRecord(
    approval_id="approval_1",
    plan_id="plan_1",
    plan_hash="0" * 64,
    cap_nusd=5_000,
    decision="approved",
    channel="remote",
    principal="carol",
    note="fine",
    at_ms=1,
    expires_at_ms=2,
)


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys(tmp_path / "keys")


def test_a_signed_answer_is_believed_as_it_stands(keys: SigningKeys) -> None:
    signed = keys.sign(RECORD)
    keys.require_signed(signed)
    keys.require_signed(replace(signed, consumed_by="run_1"))
    assert signed.signature.startswith(f"{keys.current()}.")


@pytest.mark.parametrize(
    "changed",
    [
        replace(RECORD, plan_hash="1" * 64),
        replace(RECORD, cap_nusd=6_000),
        replace(RECORD, cap_nusd=None),
        replace(RECORD, decision="declined"),
        replace(RECORD, principal="mallory"),
        replace(RECORD, expires_at_ms=3),
        replace(RECORD, plan_id="plan_2"),
        replace(RECORD, note=""),
    ],
)
def test_an_answer_that_was_changed_is_not(keys: SigningKeys, changed: ApprovalRecord) -> None:
    signature = keys.sign(RECORD).signature
    with pytest.raises(ApprovalError, match="does not carry a signature"):
        keys.require_signed(replace(changed, signature=signature))


@pytest.mark.parametrize(
    "signature", ["", ".", "deadbeef", "deadbeefdeadbeef.AAAA", "../../etc/passwd.AAAA", "\x00.\x00"]
)
def test_an_answer_without_a_signature_or_with_a_foreign_one_is_refused(
    keys: SigningKeys, signature: str
) -> None:
    keys.sign(RECORD)
    with pytest.raises(ApprovalError):
        keys.require_signed(replace(RECORD, signature=signature))


def test_a_signature_of_another_server_is_refused(keys: SigningKeys, tmp_path: Path) -> None:
    other = SigningKeys(tmp_path / "other").sign(RECORD)
    with pytest.raises(ApprovalError):
        keys.require_signed(other)


def test_after_a_rotation_old_answers_are_still_believed_and_the_old_key_is_gone(keys: SigningKeys) -> None:
    old = keys.sign(RECORD)
    before = keys.current()
    after = keys.rotate()
    keys.require_signed(old)
    keys.require_signed(keys.sign(RECORD))
    assert after != before
    assert keys.current() == after
    assert set(keys.known()) == {before, after}
    private = [path for path in keys.directory.iterdir() if path.suffix != ".pub"]
    assert [path.name for path in private] == ["signing.key"]


def test_keys_are_private_and_one_that_others_may_read_is_refused(keys: SigningKeys) -> None:
    assert keys.current() == ""
    keys.rotate()
    private = keys.directory / "signing.key"
    assert (keys.directory.stat().st_mode & 0o777, private.stat().st_mode & 0o777) == (0o700, 0o600)
    private.chmod(0o644)
    with pytest.raises(ConfigurationError, match="others may read it"):
        keys.sign(RECORD)
    keys.directory.chmod(0o755)
    with pytest.raises(ConfigurationError, match="others may read it"):
        keys.rotate()


def test_a_damaged_key_and_a_folder_that_cannot_be_made_are_faults_of_the_configuration(
    keys: SigningKeys, tmp_path: Path
) -> None:
    keys.rotate()
    (keys.directory / "signing.key").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        keys.sign(RECORD)
    blocked = tmp_path / "file"
    blocked.write_text("", "utf-8")
    with pytest.raises(ConfigurationError):
        SigningKeys(blocked / "keys").rotate()
