"""Who say who somebody is: one file or folder a kind."""
