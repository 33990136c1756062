"""A worker once somebody has added a kind of subject: the toy counter."""

from __future__ import annotations

import worker
from tests.toy_workflow import CounterWorkflow

if __name__ == "__main__":
    worker.WORKFLOWS.append(CounterWorkflow)
    worker.main()
