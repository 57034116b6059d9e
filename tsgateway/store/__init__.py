"""What the gateway remembers: accounts, sign-ins, sessions, and what operators have set for session hosts."""

from tsgateway.errors import StoreError
from tsgateway.groups import ADMINISTRATORS, EVERYONE
from tsgateway.store.accounts import LOCAL, Account, Arrival, NameTaken, NotLinked
from tsgateway.store.database import Store, open_store
from tsgateway.store.engine import DiskFull, StoreBusy, StoreUnavailable
from tsgateway.store.factors import Factor
from tsgateway.store.groups import Group, GroupTaken, KeptGroup, NoSuchGroup
from tsgateway.store.history import Cursor, History, Page, Ran
from tsgateway.store.sign_ins import Known, SignedIn
from tsgateway.store.tables import LastAdministrator, NoSuchUser

__all__ = [
    "ADMINISTRATORS",
    "EVERYONE",
    "LOCAL",
    "Account",
    "Arrival",
    "Cursor",
    "DiskFull",
    "Factor",
    "Group",
    "GroupTaken",
    "History",
    "KeptGroup",
    "Known",
    "LastAdministrator",
    "NameTaken",
    "NoSuchGroup",
    "NoSuchUser",
    "NotLinked",
    "Page",
    "Ran",
    "SignedIn",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreUnavailable",
    "open_store",
]
