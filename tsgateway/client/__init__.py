"""The API for Python programs, typed; without anything that takes long to import.

    client = Client.remote("https://desk.example.org", token="tsg_…")
    for session in client.list_sessions()["sessions"]:
        print(session["number"], session["user"], session["state"])

What a desktop shows, and its keyboard and pointer, are in `tsgateway.client.viewer`.

ClientError
├── ServerAway      nothing answers there, or not as a gateway does
│   └── WrongCertificate   it cannot be trusted; `reason` says why
├── ViewerClosed    a desktop is not shown any more (tsgateway.client.viewer)
├── TookTooLong     what was waited for has not happened in time
├── NotSignedIn     nobody has signed in, or the token is good no more
├── NoRight         one may not do this
├── NotThere        there is nothing of that name, or no more
├── Refused         it cannot be done as asked; the sentence says why
└── Unavailable     not now; `retry_after` says when, where that is known
"""

from tsgateway.client.client import Client, Event
from tsgateway.client.download import Download
from tsgateway.client.errors import (
    ClientError,
    NoRight,
    NotSignedIn,
    NotThere,
    Refused,
    ServerAway,
    TookTooLong,
    Unavailable,
    ViewerClosed,
    WrongCertificate,
)
from tsgateway.client.signing import signed_in

__all__ = [
    "Client",
    "ClientError",
    "Download",
    "Event",
    "NoRight",
    "NotSignedIn",
    "NotThere",
    "Refused",
    "ServerAway",
    "TookTooLong",
    "Unavailable",
    "ViewerClosed",
    "WrongCertificate",
    "signed_in",
]
