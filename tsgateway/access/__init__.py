"""Policies at work: decided with what the store has, noted by reference numbers, looked at each minute."""
