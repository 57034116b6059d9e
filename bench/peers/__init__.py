"""The same traces, the same frames, in the same run, through other programs that show a desktop far away."""
