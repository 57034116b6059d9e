"""The configuration: pydantic models, the TOML file that fills them, and their documentation."""

from tsgateway.config.load import ConfigError, load
from tsgateway.config.models import Config, Desktop

__all__ = ["Config", "ConfigError", "Desktop", "load"]
