"""The API for Python programs, typed; without anything that takes long to import.

    client = Client.remote("https://desk.example.org", token="tsg_…")
    for session in client.list_sessions()["sessions"]:
        print(session["number"], session["user"], session["state"])

ClientError
├── ServerAway      nothing answers there, or not as a gateway does
├── NotSignedIn     nobody has signed in, or the token is good no more
├── NoRight         one may not do this
├── NotThere        there is nothing of that name, or no more
├── Refused         it cannot be done as asked; the sentence says why
└── Unavailable     not now; `retry_after` says when, where that is known
"""

from tsgateway.client.client import Client, Event
from tsgateway.client.errors import (
    ClientError,
    NoRight,
    NotSignedIn,
    NotThere,
    Refused,
    ServerAway,
    Unavailable,
)

__all__ = [
    "Client",
    "ClientError",
    "Event",
    "NoRight",
    "NotSignedIn",
    "NotThere",
    "Refused",
    "ServerAway",
    "Unavailable",
]
