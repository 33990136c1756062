"""Connects to the engine, the one way for worker, API and commands: same names, same seal."""

from __future__ import annotations

import os
from dataclasses import replace

from temporalio.client import Client
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
)
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from engine.codec import SealingCodec
from settings import Settings

DEFAULT_ADDRESS = "localhost:7233"
_POINTS_TO_FILE = ("TEMPORAL_CONFIG_FILE", "TEMPORAL_PROFILE")
_CONVERTERS = tuple(PydanticPayloadConverter().converters.values())


class SharedConverter(CompositePayloadConverter):
    """Pydantic's JSON, with one set of type adapters for the whole process.

    The SDK makes a converter for each running case, and to build the adapters anew each time takes
    longer than to open the case.
    """

    def __init__(self) -> None:
        """Take the converters that everybody shares; their adapters are built at the first use."""
        super().__init__(*_CONVERTERS)


async def connect(
    settings: Settings, *, lazy: bool = False, metrics_port: int | None = None
) -> Client:
    """Return a client of the engine of these settings.

    `lazy` connects at the first call, so that a page can say that the engine is away. Otherwise
    raises RuntimeError while the engine cannot be reached. `metrics_port` serves the SDK's own
    metrics for Prometheus on this machine.
    """
    config = _from_environment()
    config["target_host"] = address_of(settings)
    config["namespace"] = settings.namespace
    runtime = _with_metrics(metrics_port) if metrics_port else None
    return await Client.connect(
        **config, data_converter=sealed_converter(settings), lazy=lazy, runtime=runtime
    )


def address_of(settings: Settings) -> str:
    """Return where the engine is: the settings, else the SDK's environment, else this machine."""
    return settings.temporal_address or _from_environment().get("target_host") or DEFAULT_ADDRESS


def sealed_converter(settings: Settings) -> DataConverter:
    """Return what turns values into payloads: pydantic's JSON, compressed and sealed.

    The texts of failures are sealed as well.
    """
    return replace(
        DataConverter(payload_converter_class=SharedConverter),
        payload_codec=SealingCodec(settings.payload_encryption_key()),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def _from_environment() -> ClientConnectConfig:
    # TLS and API keys as the SDK reads them. A profile file counts only when the environment
    # points to it: one that happens to lie in somebody's home must not choose the server.
    points_to_file = any(os.environ.get(name) for name in _POINTS_TO_FILE)
    return ClientConfig.load_client_connect_config(disable_file=not points_to_file)


def _with_metrics(port: int) -> Runtime:
    telemetry = TelemetryConfig(
        metrics=PrometheusConfig(bind_address=f"127.0.0.1:{port}", durations_as_seconds=True)
    )
    return Runtime(telemetry=telemetry)
