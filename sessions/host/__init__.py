"""The session host process: owns sessions, answers the gateway."""
