"""The configuration: pydantic models, the TOML file that fills them, and their documentation."""

from tsgateway.config.load import ConfigError, load
from tsgateway.config.models import Config, Desktop, SessionsSection
from tsgateway.config.pools import Period, PoolSection

__all__ = ["Config", "ConfigError", "Desktop", "Period", "PoolSection", "SessionsSection", "load"]
