"""The configuration: pydantic models, the TOML file that fills them, and their documentation."""

from tsgateway.config.load import ConfigError, load
from tsgateway.config.models import Config, Desktop, FilesSection, SessionsSection
from tsgateway.config.pools import Period, PoolSection

__all__ = [
    "Config",
    "ConfigError",
    "Desktop",
    "FilesSection",
    "Period",
    "PoolSection",
    "SessionsSection",
    "load",
]
