"""The session hosts, seen from the gateway: the link, the process, and who has which session."""
