"""The errors that end the program with a sentence.

StartError    the gateway cannot start; the text says why and what to do
StoreError    the database cannot do what was asked; its other kinds are in store/database.py
└── NoSuchUser    there is no account of that name
"""


class StartError(Exception):
    """The gateway cannot start. The text is for the operator: what is wrong, and what to do about it."""


class StoreError(Exception):
    """The database cannot do what was asked; the text says why."""


class NoSuchUser(StoreError):
    """There is no account of that name."""
