"""What the gateway remembers: accounts, sign-ins, sessions, and what operators have set for session hosts."""

from tsgateway.errors import NoSuchUser, StoreError
from tsgateway.groups import ADMINISTRATORS, EVERYONE
from tsgateway.store.database import Account, NameTaken, Store, open_store
from tsgateway.store.engine import DiskFull, StoreBusy, StoreUnavailable
from tsgateway.store.history import Cursor, History, Page, Ran

__all__ = [
    "ADMINISTRATORS",
    "EVERYONE",
    "Account",
    "Cursor",
    "DiskFull",
    "History",
    "NameTaken",
    "NoSuchUser",
    "Page",
    "Ran",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreUnavailable",
    "open_store",
]
