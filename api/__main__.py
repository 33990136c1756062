"""Serves the API: `python -m api`. Settings come from the environment; it needs DATABASE_URL."""

from __future__ import annotations

import uvicorn

from api.app import create_app
from api.telemetry import log_as_json
from engine.virtual_time import fast_forward
from settings import settings_here


def main() -> None:
    """Serve until SIGTERM."""
    settings = settings_here()
    log_as_json(settings.log_level)
    app = create_app(settings, move_clock=fast_forward if settings.rehearsal else None)
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=15,
    )


if __name__ == "__main__":
    main()
