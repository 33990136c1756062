"""`python -m story play FILE...`: the same as `homeward story play`."""

from story.cli import app

app()
