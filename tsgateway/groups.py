"""Groups that mean something to the gateway itself: everybody, and the owners."""

EVERYONE = "users"
ADMINISTRATORS = "administrators"
