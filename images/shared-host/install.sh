#!/bin/sh
# Makes a Linux system with systemd one that many people can share (docs/shared-hosts.md): run it inside, as
# root, from a checkout or a copy of images/. Its argument, which is optional, is the command that starts the
# desktop, such as "startxfce4"; without it people get the desktop of our own image, if that is installed.
# DESTDIR installs into a folder instead of the running system, and no packages.
set -e
files=$(cd "$(dirname "$0")/../desktop/files" && pwd)
packages='tigervnc-standalone-server xinit xauth x11-utils x11-xserver-utils python3 python3-xlib libpam-systemd'

if [ -z "$DESTDIR" ]; then
    [ -d /run/systemd/system ] || { echo 'This system does not run systemd.' >&2; exit 1; }
    if command -v apt-get >/dev/null; then
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages
    else
        echo "Install what these Debian packages are called here: $packages" >&2
    fi
fi

for file in etc/pam.d/tsgateway etc/systemd/system/tsgateway-seats.service \
    etc/udev/rules.d/91-tsgateway-seats.rules usr/lib/tsgateway/seats usr/lib/tsgateway/people.py \
    usr/lib/tsgateway/streams.py usr/lib/tsgateway/seat usr/lib/tsgateway/seat-desktop usr/lib/tsgateway/leave; do
    install -D -m "$(stat -c %a "$files/$file")" "$files/$file" "$DESTDIR/$file"
done

if [ -n "$1" ]; then
    install -d "$DESTDIR/etc/tsgateway"
    printf '#!/bin/sh\nexec %s\n' "$1" >"$DESTDIR/etc/tsgateway/seat-session"
    chmod 755 "$DESTDIR/etc/tsgateway/seat-session"
fi
[ -n "$DESTDIR" ] || { systemctl daemon-reload && udevadm control --reload && udevadm trigger --subsystem-match=virtio-ports; }
