from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from records import deliveries
from records.deliveries import Address
from tests.builders import MONDAY, a_life
from tests.records.writing import admit

LATER = MONDAY + timedelta(hours=1)


@pytest.fixture
def address(connection: Connection) -> Address:
    life = a_life()
    admit(connection, life)
    return Address(life.case.id, 1, "th-datip", "email")


def test_it_queues_a_message_once_for_each_recipient_and_channel(
    connection: Connection, address: Address
) -> None:
    assert deliveries.queue(connection, address, MONDAY)
    assert not deliveries.queue(connection, address, LATER)
    for other in (replace(address, channel="inbox"), replace(address, recipient="la-desk")):
        assert deliveries.queue(connection, other, MONDAY)
    found = deliveries.of_subject(connection, address.subject_id)
    assert len(found) == 3
    assert {row.queued_at for row in found} == {MONDAY}


def test_it_moves_only_forward(connection: Connection, address: Address) -> None:
    deliveries.queue(connection, address, MONDAY)
    assert not deliveries.move(connection, address, deliveries.DELIVERED, LATER)
    assert deliveries.move(connection, address, deliveries.SENT, LATER)
    assert not deliveries.move(connection, address, deliveries.SENT, LATER + timedelta(hours=1))
    assert deliveries.move(connection, address, deliveries.DELIVERED, LATER)
    for state in deliveries.BEFORE:
        assert not deliveries.move(connection, address, state, LATER)
    (row,) = deliveries.of_subject(connection, address.subject_id)
    assert (row.state, row.queued_at, row.at) == (deliveries.DELIVERED, MONDAY, LATER)


def test_it_queues_again_what_came_back(connection: Connection, address: Address) -> None:
    deliveries.queue(connection, address, MONDAY)
    for state in (deliveries.SENT, deliveries.BOUNCED, deliveries.QUEUED, deliveries.STOPPED):
        assert deliveries.move(connection, address, state, LATER), state


def test_it_moves_nothing_that_was_never_queued(connection: Connection, address: Address) -> None:
    assert not deliveries.move(connection, address, deliveries.SENT, LATER)
    assert deliveries.of_subject(connection, address.subject_id) == []


def test_it_refuses_a_word_that_is_no_state(connection: Connection, address: Address) -> None:
    with pytest.raises(ValueError, match="queued, sent, delivered"):
        deliveries.move(connection, address, "lost", LATER)
