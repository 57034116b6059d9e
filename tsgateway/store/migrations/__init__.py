"""How older databases become this version's: one file a step, run by Alembic (see store/migrate)."""
