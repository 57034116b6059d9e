"""Sound of the native client: what waits to be played, and the devices of this machine. Knows no Qt."""
