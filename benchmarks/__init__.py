"""Measurements of the whole system beside a bare entity workflow. Never part of an installation."""
