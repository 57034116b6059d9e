"""What the gateway does not load: it holds no pixels, and starts again while people wait."""

import subprocess
import sys


def test_the_gateway_loads_no_numpy():
    loaded = "import sys, tsgateway.service; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
