"""Settings for all tests."""

from hypothesis import settings

settings.register_profile("tsgateway", deadline=None)  # on a busy machine nothing takes a known time
settings.load_profile("tsgateway")
