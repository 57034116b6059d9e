"""What the gateway remembers: accounts and sign-ins."""

from tsgateway.store.database import (
    ADMINISTRATORS,
    EVERYONE,
    Account,
    NameTaken,
    NoSuchUser,
    Store,
    StoreError,
)

__all__ = ["ADMINISTRATORS", "EVERYONE", "Account", "NameTaken", "NoSuchUser", "Store", "StoreError"]
