"""What the gateway remembers: accounts and sign-ins."""

from tsgateway.errors import StoreError
from tsgateway.groups import ADMINISTRATORS, EVERYONE
from tsgateway.store.database import (
    Account,
    DiskFull,
    NameTaken,
    NoSuchUser,
    Store,
)

__all__ = [
    "ADMINISTRATORS",
    "EVERYONE",
    "Account",
    "DiskFull",
    "NameTaken",
    "NoSuchUser",
    "Store",
    "StoreError",
]
