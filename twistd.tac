"""`twistd -ny twistd.tac` starts the same service as `tsgateway serve`.

TSGATEWAY_CONFIG names the configuration file, if there is one.
"""

import os
from pathlib import Path

from twisted.application.service import Application
from twisted.internet import reactor

from sessions.clock import keep_time
from tsgateway.config import ConfigError, load
from tsgateway.service import Gateway, GatewayService

path = os.environ.get("TSGATEWAY_CONFIG")
try:
    config = load(Path(path) if path else None)
except ConfigError as error:
    raise SystemExit(f"tsgateway: {error}") from None

application = Application("tsgateway")
keep_time(reactor)
GatewayService(Gateway(config, reactor), reactor).setServiceParent(application)
