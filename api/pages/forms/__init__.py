"""The forms of the pages: what each asks, how it is read, and how it comes back refused."""
