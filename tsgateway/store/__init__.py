"""What the gateway remembers: accounts and sign-ins."""

from tsgateway.errors import StoreError
from tsgateway.store.database import (
    ADMINISTRATORS,
    EVERYONE,
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
