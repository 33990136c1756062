"""Serves the API: `python -m api`. Settings come from the environment; it needs DATABASE_URL."""

from __future__ import annotations

from importlib import import_module

import uvicorn

from api.app import MoveClock, create_app
from api.telemetry import log_as_json
from settings import Settings


def main() -> None:
    """Serve until SIGTERM."""
    settings = Settings()
    log_as_json(settings.log_level)
    app = create_app(settings, move_clock=_clock() if settings.rehearsal else None)
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=15,
    )


def _clock() -> MoveClock:
    # Virtual time belongs to one machine's own servers, which no layer below may import. A
    # rehearsal is the only installation that has it.
    clock: MoveClock = import_module("local.virtual_time").fast_forward
    return clock


if __name__ == "__main__":
    main()
