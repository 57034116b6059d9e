#!/bin/sh
# Everything that has to be there before `make run` or `make test` can do its work.
#
#     scripts/setup.sh run|test|check
#
# Each step is skipped when what it makes is already there for the same inputs: a stamp holds their
# hash and is written last, so a step that was interrupted is simply done again.
set -eu
cd "$(dirname "$0")/.."
goal=${1:?usage: scripts/setup.sh run|test|check}
stamps=.cache/setup
venv=.venv
mkdir -p "$stamps"

say() { printf '%s\n' "$*" >&2; }
die() { say "setup: $*"; exit 1; }

# step NAME HASH COMMAND...: run COMMAND unless it was done for HASH; its output is shown if it fails.
step() {
    name=$1 hash=$2
    shift 2
    [ "$(cat "$stamps/$name" 2>/dev/null)" = "$hash" ] && return 0
    rm -f "$stamps/$name"
    printf '%s … ' "$name" >&2
    began=$(date +%s)
    "$@" >"$stamps/$name.log" 2>&1 &
    job=$!
    trap 'kill "$job" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$job" 2>/dev/null; do
        sleep 1
        [ -t 2 ] && printf '\r%s … %ss ' "$name" "$(($(date +%s) - began))" >&2
    done
    trap - INT TERM
    if ! wait "$job"; then
        say "failed:"
        tail -n 25 "$stamps/$name.log" >&2
        die "'$name' did not work; the whole output is in $stamps/$name.log. Run the same command again to go on."
    fi
    printf '\r%s … done in %ss\n' "$name" "$(($(date +%s) - began))" >&2
    printf '%s' "$hash" >"$stamps/$name"
}

hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

# ---- system packages (Debian's names)

packages_run="python3-venv qemu-system-x86 qemu-system-gui qemu-utils mmdebstrap uidmap fakeroot e2fsprogs \
xz-utils zstd npm util-linux"
packages_test="gcc libc6-dev linux-libc-dev binutils libdrm-dev chromium firefox-esr tigervnc-standalone-server tigervnc-tools xterm x11-apps \
x11-xserver-utils xauth xdotool"

missing() {
    for package in "$@"; do
        case $package in # whatever provides the command will do
        npm) command -v npm >/dev/null && continue ;;
        python3-venv) python3 -c 'import ensurepip' 2>/dev/null && continue ;;
        esac
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || printf '%s ' "$package"
    done
}

apt() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive apt-get "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive apt-get "$@"
    fi
}

install_packages() {
    apt update
    apt install -y --no-install-recommends "$@"
}

system_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        command -v qemu-system-x86_64 >/dev/null && command -v npm >/dev/null && return 0
        die "this is not a Debian system, so please install what these Debian packages hold, then run again: $*"
    fi
    wanted=$(missing "$@")
    [ -z "$wanted" ] && return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "as root, please run: apt-get install $wanted"
        sudo -v || die "as an administrator, please run: apt-get install $wanted"
    fi
    say "Debian packages to install: $wanted"
    # shellcheck disable=SC2086 - one word a package
    step "Debian packages" "$wanted" install_packages $wanted
}

# ---- Python

python_packages() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed"
    python3 -m venv --upgrade-deps "$venv"
    "$venv/bin/pip" install --require-hashes -r "$1"
    "$venv/bin/pip" install --no-deps --editable .
}

# ---- goals

case $goal in
run) requirements=requirements.txt packages=$packages_run ;;
test) requirements=requirements-dev.txt packages="$packages_run $packages_test" ;;
check) requirements=requirements-dev.txt packages="python3-venv" ;;
*) die "unknown goal '$goal'" ;;
esac

# shellcheck disable=SC2086 - one word a package
[ "$goal" = check ] || system_packages $packages
[ "$goal" = run ] && [ -e "$venv/bin/mypy" ] && requirements=requirements-dev.txt # already has more
step "Python packages" "$(hash_of "$requirements" pyproject.toml)" python_packages "$requirements"
[ "$goal" = check ] && exit 0
step "Browser client" "$(hash_of webclient/package-lock.json)" \
    npm ci --prefix webclient --no-audit --no-fund --loglevel=error
[ "$goal" = run ] && exit 0
step "Browser driver" "$(hash_of tests/e2e/package-lock.json)" \
    npm ci --prefix tests/e2e --no-audit --no-fund --loglevel=error --ignore-scripts
