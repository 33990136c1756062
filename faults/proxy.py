"""A wire that can be bad: it passes bytes on, late, not at all, or breaks in the middle.

It stands between a client and a server on one machine and knows nothing of what passes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

Reach = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
BYTES = 64 * 1024


class Proxy:
    """Listens on a free port of this machine, or on a socket file, and reaches one server."""

    def __init__(self, reach: Reach, *, listen_on: Path | None = None) -> None:
        """Pass everything on, without delay, once entered."""
        self._reach = reach
        self._listen_on = listen_on
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.delay = 0.0  # seconds, for each piece in each direction
        self.connections = 0  # so many were made

    @classmethod
    def to(cls, address: str) -> Proxy:
        """Before a server at `host:port`."""
        host, _, port = address.rpartition(":")
        return cls(lambda: asyncio.open_connection(host, int(port)))

    @classmethod
    def to_socket(cls, server: Path, listen_on: Path) -> Proxy:
        """Before a server on a socket file."""
        return cls(lambda: asyncio.open_unix_connection(str(server)), listen_on=listen_on)

    @property
    def address(self) -> str:
        """Where it listens, as `host:port`."""
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        if self._listen_on is not None:
            self._server = await asyncio.start_unix_server(self._accept, str(self._listen_on))
            self._listen_on.chmod(0o777)
        else:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Break every connection and listen no more."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()

    def cut(self) -> None:
        """Break every connection now; new ones are taken."""
        for writer in list(self._writers):
            writer.transport.abort()

    def swallow(self) -> None:
        """Half-open: connections stay and are taken, and nothing passes in either direction."""
        self._passing.clear()

    def pass_on(self) -> None:
        """Pass on again, also what was held back."""
        self._passing.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        me = asyncio.current_task()
        if me is not None:
            self._tasks.add(me)
            me.add_done_callback(self._tasks.discard)
        with suppress(OSError, asyncio.CancelledError):
            await self._passing.wait()
            there, back = await self._reach()
            self._writers |= {writer, back}
            try:
                await asyncio.gather(self._pipe(reader, back), self._pipe(there, writer))
            finally:
                self._writers -= {writer, back}
                back.transport.abort()
        writer.transport.abort()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(BYTES):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._passing.wait()
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError  # one side is done: so is the other
