"""The one error of this package; its text is a sentence for the person at the keyboard."""


class NoServer(Exception):  # noqa: N818 - reads as what happened
    """A server could be neither found nor started; the text says why and what to do."""
