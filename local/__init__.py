"""Finds and starts what Homeward needs on one machine: PostgreSQL and Temporal.

Nothing here is used in production, and nothing here knows what a case is.
"""
