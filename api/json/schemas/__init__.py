"""The JSON shapes of answers, one module for each noun. No query and no rule stands in them.

Lists and timelines hold no name, contact, birth date or free text.
"""
