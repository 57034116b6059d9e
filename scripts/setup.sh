#!/bin/sh
# Everything that has to be there before `make run` or `make test` can do its work.
#
#     scripts/setup.sh run|test|check
#
# Each step is skipped when what it makes is there and of the same inputs: a stamp holds their hash and is
# written last, so a step that was interrupted is simply done again.
set -eu
cd "$(dirname "$0")/.."
goal=${1:-}
stamps=.cache/setup
venv=.venv

say() { printf '%s\n' "$*" >&2; }
die() { say "setup: $*"; exit 1; }

# ---- steps

# step NAME MADE HASH COMMAND...: work, unless MADE is there and was made from HASH.
step() {
    name=$1 made=$2 hash=$3
    shift 3
    stamp=$stamps/$name
    [ -e "$made" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$hash" ] && return 0
    [ -e "$stamp" ] || rm -rf "$made" # half-made: begin anew
    rm -f "$stamp"
    work "$name" "$@"
    printf '%s' "$hash" >"$stamp"
}

# work NAME COMMAND...: run COMMAND; its last line is shown all the while, and its last lines if it fails.
work() {
    name=$1 log=$stamps/$1.log
    shift
    : >"$log"
    began=$(date +%s) state="" status=0
    trap 'state="stopping …"' INT
    "$@" >"$log" 2>&1 </dev/null &
    job=$!
    [ -t 2 ] || say "$name …"
    while kill -0 "$job" 2>/dev/null; do
        # Nothing before COMMAND's first words: sudo may ask for a password, and would be drawn over.
        [ -t 2 ] && [ -s "$log" ] && printf '\r\033[K%s … %s s  %s' "$name" "$(seconds)" "${state:-$(last_line "$log")}" >&2
        sleep 1 || true
    done
    wait "$job" || status=$?
    trap - INT
    [ -t 2 ] && printf '\r\033[K' >&2
    if [ -n "$state" ]; then
        say "$name … interrupted; run the same command again to go on"
        exit 130
    elif [ "$status" != 0 ]; then
        say "$name … failed:"
        tail -n 12 "$log" >&2
        grep -qi 'no space left on device\|enough free space' "$log" &&
            die "no room is left on the disk; make some, then run the same command again. df -h tells where."
        die "'$name' did not work; the whole output is in $log. Run the same command again to go on."
    fi
    say "$name … done in $(seconds) s"
}

seconds() { echo "$(($(date +%s) - began))"; }

last_line() { tail -c 200 "$1" | tr '\r' '\n' | sed '/^$/d' | tail -n 1 | tr -cd '[:print:]' | cut -c 1-50; }

# What a shell starts in the background ignores Ctrl-C; this does not. apt-get ends at the next safe point.
heeding() { env --default-signal=INT "$@"; }

hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

# ---- system packages (Debian's names)

packages_run="python3-venv qemu-system-x86 qemu-system-gui qemu-utils mmdebstrap uidmap fakeroot e2fsprogs \
xz-utils zstd npm util-linux"
packages_test="man-db gcc libc6-dev linux-libc-dev binutils libdrm-dev chromium firefox-esr postgresql slapd tigervnc-standalone-server tigervnc-tools \
rsyslog rsyslog-openssl xterm x11-apps x11-xserver-utils xauth x11-utils xdotool xvfb openbox tzdata libfaketime xdg-utils shared-mime-info libglib2.0-bin xclip python3-xlib spice-vdagent haproxy \
libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0 libegl1 libgl1 libfontconfig1 libdbus-1-3 fonts-dejavu-core pulseaudio pulseaudio-utils"

missing() {
    for package in "$@"; do
        case $package in # whatever provides the command will do
        npm) command -v npm >/dev/null && continue ;;
        python3-venv) python3 -c 'import ensurepip' 2>/dev/null && continue ;;
        esac
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || printf '%s ' "$package"
    done
}

# need_root COMMAND: see that as_root will work, or say what an administrator is to run.
need_root() {
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null && sudo -v && return 0
    die "that takes an administrator. Please have one run this, then try again:

    $1
"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then heeding "$@"; else heeding sudo "$@"; fi
}

# Other programs may be at work with packages (a new machine updates itself): apt-get waits for them only when
# it installs. One that was killed leaves packages half-way: hence the second try.
install_packages() {
    # shellcheck disable=SC2016 - expanded by the inner shell
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 sh -c '
        echo "reading the list of packages"
        until said=$(apt-get update 2>&1); do
            printf "%s\n" "$said"
            case $said in *"Could not get lock"*) sleep 2 ;; *) exit 1 ;; esac
        done
        install() { apt-get -y -o DPkg::Lock::Timeout=-1 --no-install-recommends "$@"; }
        install install "$@" || {
            dpkg --configure -a && install --fix-broken install && install install "$@"
        }' sh "$@"
}

system_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        command -v qemu-system-x86_64 >/dev/null && command -v npm >/dev/null && return 0
        die "this is not a Debian system, so please install what these Debian packages hold, then run again: $*"
    fi
    wanted=$(missing "$@")
    [ -z "$wanted" ] && return 0
    say "Debian packages to install: $wanted"
    need_root "apt-get install --no-install-recommends $wanted"
    # shellcheck disable=SC2086 - one word a package
    work "Debian packages" install_packages $wanted
}

# Without root, an image is built in a user namespace, whose users are numbers that /etc/subuid gives to this one.
sub_ids() {
    me=$(id -un)
    [ "$(id -u)" = 0 ] && return 0
    grep -qs "^\($me\|$(id -u)\):" /etc/subuid && grep -qs "^\($me\|$(id -u)\):" /etc/subgid && return 0
    first=$(cat /etc/subuid /etc/subgid 2>/dev/null | awk -F: 'BEGIN { n = 100000 } $2 + $3 > n { n = $2 + $3 } END { print n }')
    range=$first-$((first + 65535))
    say "$me has no lines in /etc/subuid and /etc/subgid, which guest images need; they are added."
    need_root "usermod --add-subuids $range --add-subgids $range $me"
    as_root usermod --add-subuids "$range" --add-subgids "$range" "$me"
}

# ---- Python

python_is_new_enough() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "Python 3.11 or newer is needed; this is $(python3 --version)"
}

# A virtual environment knows its place and its Python: when the folder was moved or Debian upgraded, it is no good.
drop_stale_venv() {
    [ -e "$venv" ] || return 0
    grep -qsF "$PWD/$venv/bin/python" "$venv/bin/pip" && "$venv/bin/python" -c '' 2>/dev/null || rm -rf "$venv"
}

python_packages() {
    echo "making a virtual environment"
    heeding python3 -m venv "$venv" &&
        heeding "$venv/bin/pip" install --require-hashes -r "$1" &&
        heeding "$venv/bin/pip" install --no-deps --editable .
}

npm_packages() {
    echo "downloading"
    heeding npm ci --prefix "$1" --no-audit --no-fund --loglevel=error --ignore-scripts
}

# ---- goals

case $goal in
run) requirements=requirements.txt packages=$packages_run ;;
test) requirements=requirements-dev.txt packages="$packages_run $packages_test" ;;
check) requirements=requirements-dev.txt packages="python3-venv npm" ;;
*) die "usage: scripts/setup.sh run|test|check" ;;
esac

mkdir -p "$stamps" 2>/dev/null && [ -w "$stamps" ] ||
    die "$PWD cannot be written by $(id -un): clone the repository into a folder of your own, and set up there"
# Held by all that this starts, so that a step goes on alone when only this script was killed.
exec 9>"$stamps/lock"
flock --nonblock 9 || { say "Another set-up is at work in this folder; waiting for it …" && flock 9; }

# shellcheck disable=SC2086 - one word a package
system_packages $packages
[ "$goal" = check ] || sub_ids
python_is_new_enough
drop_stale_venv
[ "$goal" = run ] && [ -e "$venv/bin/mypy" ] && requirements=requirements-dev.txt # already has more
step "Python packages" "$venv" "$(hash_of "$requirements" pyproject.toml)" python_packages "$requirements"
if [ "$goal" != run ]; then
    step "JavaScript checks" tests/webclient/node_modules "$(hash_of tests/webclient/package-lock.json)" npm_packages tests/webclient
fi
[ "$goal" = check ] && exit 0
step "Browser client" webclient/node_modules "$(hash_of webclient/package-lock.json)" npm_packages webclient
[ "$goal" = run ] && exit 0
step "Browser driver" tests/e2e/node_modules "$(hash_of tests/e2e/package-lock.json)" npm_packages tests/e2e
