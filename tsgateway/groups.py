"""Groups that mean something to the gateway itself."""

EVERYONE = "users"
ADMINISTRATORS = "administrators"
