"""`tsadmin`: the administrator's commands. They speak to the gateway's API only, near or far."""
