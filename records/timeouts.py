"""A connection that never waits for ever: PostgreSQL frozen, or a network that swallows everything.

The limits that a server keeps are of no use while the server itself does not answer. This knows no
table and no statement.
"""

from __future__ import annotations

import select
from typing import Any, TypeVar

import psycopg
from psycopg import generators
from psycopg.abc import PQGen

T = TypeVar("T")


class TimeLimitedConnection(psycopg.Connection[Any]):
    """Gives up on an answer after `patience` seconds and closes itself: what it did is unknown."""

    patience: float | None = None
    first: tuple[bytes, ...] = ()  # statements that ride with BEGIN, in the same journey
    position: bytes = b""  # what was last set for the whole connection

    def _start_query(self) -> PQGen[None]:
        """Begin as psycopg does, and send `first` along: psycopg takes no second statement here."""
        idle = self.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE
        if self.autocommit or not self.first or not idle:
            yield from super()._start_query()
            return
        if self._pipeline:  # many rows at once: psycopg queues each statement by itself
            yield from super()._start_query()
            for statement in self.first:
                yield from self._exec_command(statement)
            return
        self.pgconn.send_query(b"; ".join((self._get_tx_start_command(), *self.first)))
        for result in (yield from generators.execute(self.pgconn)):
            if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(result)

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for an answer; raises psycopg.OperationalError once patience is at its end."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            # Half an answer may still come: nobody may ask anything else on this connection.
            if timeout is None and not self.closed and self._waits():
                self.pgconn.finish()
            raise

    def _waits(self) -> bool:
        return self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE


def opened(patience: float, *arguments: Any, **options: Any) -> TimeLimitedConnection:
    """Connect as psycopg does, with patience for each answer afterwards."""
    connection = TimeLimitedConnection.connect(*arguments, **options)
    connection.patience = patience
    return connection


def hung_up(connection: psycopg.Connection[Any]) -> bool:
    """Whether something came while nothing was asked: mostly that the server has closed the line."""
    if connection.closed:
        return True
    line = select.poll()
    line.register(connection.pgconn.socket, select.POLLIN)
    return bool(line.poll(0))
