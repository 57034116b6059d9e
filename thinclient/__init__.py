"""`tsclient`, the native client: what has no window yet is at the command line."""
