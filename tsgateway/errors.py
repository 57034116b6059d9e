"""The errors that end the program with a sentence.

StartError    the gateway cannot start; the text says why and what to do
StoreError    the database cannot do what was asked; its kinds are in store/database.py
"""


class StartError(Exception):
    """The gateway cannot start. The text is for the operator: what is wrong, and what to do about it."""


class StoreError(Exception):
    """The database cannot do what was asked; the text says why."""
