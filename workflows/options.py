"""Every limit of a subject's workflow: timeouts, retries, sizes. Numbers only, each with its reason."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class LocalOptions(TypedDict):
    """How the projector's fast way is called."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


class PatientOptions(TypedDict):
    """How the projector's patient way is called."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


# The row is there before the caller has the answer; a database that is away costs 2 s, once.
PROJECT_NOW = LocalOptions(
    start_to_close_timeout=timedelta(seconds=2),
    retry_policy=RetryPolicy(maximum_attempts=1),
)

# The database was away: try for as long as it takes, and keep the subject answering meanwhile.
PROJECT_WHEN_BACK = PatientOptions(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=1.5,
        maximum_interval=timedelta(seconds=5),
        maximum_attempts=0,
    ),
)

TIMER_OF_M_FIRES = timedelta(seconds=1)  # after M: an act of moment M comes before it
TICK = timedelta(milliseconds=10)  # a timer that rang too early is set again, by at least this

BATCH_EVENTS = 200  # at most so many events in one batch
PENDING_EVENTS = 1_000  # so many not yet in the database: acts are refused as busy
OPS_KEPT = 500  # keys remembered from run to run; older ones are found in the ledger
HISTORY_EVENTS = 800  # of the engine's own history: then the run continues as new

TROUBLE_WAIT = timedelta(seconds=60)  # after something that should never happen, doubling
TROUBLE_WAIT_MOST = timedelta(hours=6)
