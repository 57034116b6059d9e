"""Our own protocol, seen from the gateway: the connection's core and the viewer around it."""
