"""Compresses and seals everything that is handed to the engine, so that it stores only noise.

Nothing personal is sent in the first place; this is the second lock. It never logs what it opens.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

ENCODING = b"binary/homeward-sealed"
KEY_ID = "homeward-key"
NONCE_BYTES = 12
LEVEL = 3  # of zlib: a case shrinks to a fifth in well under a millisecond


class UnknownKey(Exception):  # noqa: N818 - reads as what happened
    """A payload was sealed with a key this installation does not have."""


def key_id(key: bytes) -> bytes:
    """The public name of a key: tells which one sealed, and nothing of the key itself."""
    return hashlib.sha256(b"homeward payload key" + key).hexdigest()[:16].encode()


class SealingCodec(PayloadCodec):
    """AES-GCM over zlib. The first key seals; every key given can open, so that keys can change."""

    def __init__(self, key: bytes, *older: bytes) -> None:
        """Take the key that seals, then those that only open (32 bytes each)."""
        self._id = key_id(key)
        self._boxes: Mapping[bytes, AESGCM] = {key_id(k): AESGCM(k) for k in (key, *older)}

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal payloads."""
        return [self._sealed(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open payloads; those that were never sealed pass. Raises UnknownKey."""
        return [self._opened(payload) for payload in payloads]

    def _sealed(self, payload: Payload) -> Payload:
        nonce = os.urandom(NONCE_BYTES)
        packed = zlib.compress(payload.SerializeToString(), LEVEL)
        box = self._boxes[self._id]
        return Payload(
            metadata={"encoding": ENCODING, KEY_ID: self._id},
            data=nonce + box.encrypt(nonce, packed, self._id),
        )

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        name = payload.metadata.get(KEY_ID, b"")
        box = self._boxes.get(name)
        if box is None:
            raise UnknownKey(f"no key is named {name.decode(errors='replace')}")
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            packed = box.decrypt(nonce, sealed, name)
        except InvalidTag:
            raise UnknownKey("a payload was changed, or sealed with another key") from None
        opened = Payload()
        opened.ParseFromString(zlib.decompress(packed))
        return opened
