"""The configuration: pydantic models, the TOML file that fills them, and their documentation."""

from tsgateway.config.load import ConfigError, load
from tsgateway.config.models import Config, Desktop, SessionsSection

__all__ = ["Config", "ConfigError", "Desktop", "SessionsSection", "load"]
