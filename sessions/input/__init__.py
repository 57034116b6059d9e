"""Input values, key tables, the ledger of held keys."""
