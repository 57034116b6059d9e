#!/bin/sh
# Run every test: fast ones first, so that a mistake shows early; then those with guests and browsers.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
export TSGATEWAY_CACHE="${TSGATEWAY_CACHE:-$PWD/.cache/tests}"
mkdir -p "$TSGATEWAY_CACHE"

# The desktop image takes a minute or two to build: begin now, the slow tests want it last.
$bin/tsgateway image build desktop --store "$TSGATEWAY_CACHE/images" >"$TSGATEWAY_CACHE/desktop.log" 2>&1 &
image=$!

node --test tests/webclient/*.test.mjs
$bin/python -m pytest -q -m "not qemu and not browser and not slow"
wait "$image" || { tail -n 30 "$TSGATEWAY_CACHE/desktop.log" >&2; exit 1; }
exec $bin/python -m pytest -q -m "qemu or browser or slow" -n 2 --dist loadfile
