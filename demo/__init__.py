"""Plays two returns through the API of a rehearsal and leaves the system running."""
