import pytest
from temporalio.api.common.v1 import Payload

from engine.codec import SealingCodec, UnknownKey

OLD, NEW = b"o" * 32, b"n" * 32
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'{"step": "tracing"}' * 50)


async def test_it_gives_back_what_it_sealed() -> None:
    codec = SealingCodec(NEW)
    (sealed,) = await codec.encode([PLAIN])
    assert b"tracing" not in sealed.SerializeToString()
    assert await codec.decode([sealed]) == [PLAIN]


async def test_it_makes_payloads_smaller() -> None:
    (sealed,) = await SealingCodec(NEW).encode([PLAIN])
    assert sealed.ByteSize() < PLAIN.ByteSize() / 3


async def test_it_never_seals_the_same_way_twice() -> None:
    codec = SealingCodec(NEW)
    first, second = await codec.encode([PLAIN, PLAIN])
    assert first.data != second.data


async def test_it_opens_with_an_older_key_what_was_sealed_before_the_change() -> None:
    (sealed,) = await SealingCodec(OLD).encode([PLAIN])
    changed = SealingCodec(NEW, OLD)
    assert await changed.decode([sealed]) == [PLAIN]
    (again,) = await changed.encode([PLAIN])
    with pytest.raises(UnknownKey):
        await SealingCodec(OLD).decode([again])


async def test_it_refuses_what_somebody_changed() -> None:
    codec = SealingCodec(NEW)
    (sealed,) = await codec.encode([PLAIN])
    sealed.data = sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])
    with pytest.raises(UnknownKey):
        await codec.decode([sealed])


async def test_it_lets_through_what_was_never_sealed() -> None:
    assert await SealingCodec(NEW).decode([PLAIN]) == [PLAIN]
