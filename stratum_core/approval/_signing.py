"""Signatures under answers that other people gave to a server which holds the keys.

A signed answer can be believed by whoever has the server's public key, though it passed through files of another
account. The keys lie in a folder of the server's own account, outside every project: one private key at a time, and
the public halves of all there ever were, so that old answers can still be checked.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stratum_core.contracts import canonical_json
from stratum_core.errors import ApprovalError, ConfigurationError
from stratum_core.journal import ApprovalRecord

__all__ = ["SigningKeys"]

_PRIVATE = "signing.key"
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys of one server, in a folder only its account may read."""

    directory: Path

    def sign(self, record: ApprovalRecord) -> ApprovalRecord:
        """Return the record with a signature over everything else in it; makes the first key when there is none.

        Raises:
            ConfigurationError: The key cannot be used, or others than its owner may read it.
        """
        key = self._private()
        signature = base64.urlsafe_b64encode(key.sign(_signed_text(record))).decode()
        return replace(record, signature=f"{_id_of(key.public_key())}.{signature}")

    def require_signed(self, record: ApprovalRecord) -> None:
        """Refuse a record that no key of this server has signed as it stands.

        Raises:
            ApprovalError: There is no signature, its key is unknown, or something was changed since.
        """
        key_id, _, text = record.signature.partition(".")
        try:
            public = self._public(key_id)
            public.verify(base64.urlsafe_b64decode(text), _signed_text(record))
        except (OSError, ValueError, InvalidSignature) as error:
            raise ApprovalError(
                f"the answer {record.approval_id} to plan {record.plan_id} does not carry a signature of this server",
                remedy="plan again, and have it approved again",
                detail={"key": key_id},
            ) from error

    def rotate(self) -> str:
        """Make a new private key, drop the old one, and return the new key's id.

        Answers signed before stay good until they expire: the old public half is kept.

        Raises:
            ConfigurationError: The folder cannot be written, or others may read it.
        """
        try:
            return _id_of(self._make().public_key())
        except OSError as error:
            raise _unusable(self.directory, str(error)) from error

    def current(self) -> str:
        """Return the id of the key that signs, empty when there is none yet.

        Raises:
            ConfigurationError: The key cannot be used, or others than its owner may read it.
        """
        return _id_of(self._private().public_key()) if (self.directory / _PRIVATE).exists() else ""

    def known(self) -> tuple[str, ...]:
        """Return the ids of all keys whose answers can be checked."""
        return tuple(sorted(path.stem for path in self.directory.glob("*.pub")))

    def _private(self) -> Ed25519PrivateKey:
        path = self.directory / _PRIVATE
        try:
            if not path.exists():
                return self._make()
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                raw = file.read()
            if mode & _OTHERS:
                raise _unusable(path, f"others may read it (mode {mode & 0o777:o})")
            return Ed25519PrivateKey.from_private_bytes(raw)
        except (OSError, ValueError) as error:
            raise _unusable(path, str(error)) from error

    def _public(self, key_id: str) -> Ed25519PublicKey:
        if not key_id.isalnum():
            raise ValueError(key_id)
        return Ed25519PublicKey.from_public_bytes((self.directory / f"{key_id}.pub").read_bytes())

    def _make(self) -> Ed25519PrivateKey:
        """Write a new pair: the public half first, so that nothing is ever signed that cannot be checked."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.directory.stat().st_mode & _OTHERS:
            raise _unusable(self.directory, "others may read it")
        key = Ed25519PrivateKey.generate()
        public = key.public_key()
        _write(self.directory / f"{_id_of(public)}.pub", public.public_bytes_raw())
        _write(self.directory / _PRIVATE, key.private_bytes_raw())
        return key


def _signed_text(record: ApprovalRecord) -> bytes:
    """Return what is signed: everything an answer says; which run used it up comes later."""
    return canonical_json(
        {
            "approval_id": record.approval_id,
            "plan_id": record.plan_id,
            "plan_hash": record.plan_hash,
            "cap_nusd": record.cap_nusd,
            "decision": record.decision,
            "channel": record.channel,
            "principal": record.principal,
            "note": record.note,
            "at_ms": record.at_ms,
            "expires_at_ms": record.expires_at_ms,
        }
    ).encode()


def _id_of(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _write(path: Path, content: bytes) -> None:
    """Put a file in place, whole or not at all, readable by its owner only."""
    fresh = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the signing key in {path} cannot be used: {why}",
        remedy="let only the server's account read it (chmod -R go= on its folder), or make a new one: "
        "stratum keys rotate",
    )
