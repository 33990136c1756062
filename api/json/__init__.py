"""The JSON API, one module per noun. Every route names the permission it needs (`api/policy.py`)."""
