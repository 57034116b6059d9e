#!/bin/sh
# Run every test: fast ones first, so that a mistake shows early; then those with guests and browsers.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
log=.cache/test-images.log
# Machines that run this are shared and stall now and then: what fails is tried once more, and the summary says so.
again='--reruns 1 -rR'

# The guest images take a few minutes to build: begin now, the tests that need them come last.
$bin/python -c 'from tests.images_fixture import tiny_image; from tests.warm import warm_desktop; tiny_image(); warm_desktop()' >"$log" 2>&1 &
image=$!

node --test --test-reporter=dot tests/webclient/*.test.mjs
trap 'kill "$image" 2>/dev/null || true' EXIT
$bin/python -m pytest -q -m "not qemu and not browser and not slow and not long" -n 3 --durations=15 $again
echo "waiting for the desktop image …"
wait "$image" || { tail -n 30 "$log" >&2; exit 1; }
# Three processes keep two cores busy: a third of the time of these tests is waiting.
$bin/python -m pytest -q -m "(qemu or browser or slow) and not long" \
    -n 3 --dist loadfile --no-loadscope-reorder --durations=15 $again
