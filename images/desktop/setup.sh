#!/bin/sh
# Runs inside the new system (chroot), as root: users, services, caches.
set -e
export LC_ALL=C.UTF-8

chmod 755 /etc/skel/Desktop/*.desktop
mkdir -p /etc/skel/Documents /etc/skel/Downloads /etc/skel/Pictures
useradd --no-create-home --shell /bin/bash --groups dialout,audio,video,input,plugdev user
cp -R /etc/skel /home/user # useradd's own copy leaves out what is in subfolders on some hosts
chown -R user:user /home/user
chmod 750 /home/user
# Where the shared folder is mounted; as long as it is not, nobody can leave there what would be lost.
install -d -m 555 /home/user/Shared
ln -s ../Shared /home/user/Desktop/Shared
echo 'file:///home/user/Shared Shared' >/home/user/.config/gtk-3.0/bookmarks
chown -h user:user /home/user/Desktop/Shared /home/user/.config/gtk-3.0/bookmarks
passwd --lock user >/dev/null
passwd --lock root >/dev/null

systemctl --quiet set-default graphical.target
systemctl --quiet enable desktop-session.service desktop-ready.path desktop-poweroff.path
systemctl --quiet --global enable tsgateway-microphone.service
# In a machine that many people share nobody is heard, so nobody needs a sound server either.
for unit in pipewire.socket pipewire.service pipewire-pulse.socket pipewire-pulse.service wireplumber.service; do
    mkdir -p "/etc/systemd/user/$unit.d"
    printf '[Unit]\nConditionKernelCommandLine=!tsgateway.shared\n' >"/etc/systemd/user/$unit.d/10-tsgateway.conf"
done
# Started by desktop-ready.service: the boot does not wait for the network.
systemctl --quiet disable systemd-networkd.service systemd-networkd.socket systemd-resolved.service \
    systemd-timesyncd.service
systemctl --quiet mask getty@tty1.service serial-getty@ttyS0.service getty-static.service \
    systemd-networkd-wait-online.service systemd-hwdb-update.service ldconfig.service \
    systemd-journal-catalog-update.service systemd-update-done.service systemd-firstboot.service \
    systemd-boot-system-token.service systemd-binfmt.service systemd-pstore.service \
    systemd-network-generator.service systemd-remount-fs.service systemd-modules-load.service \
    modprobe@drm.service modprobe@efi_pstore.service modprobe@loop.service modprobe@dm_mod.service systemd-fsck-root.service systemd-journal-flush.service systemd-update-utmp.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount sys-kernel-tracing.mount \
    dev-hugepages.mount dev-mqueue.mount modprobe@configfs.service modprobe@fuse.service
ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf

depmod "$1"
# The new file system keeps whole seconds only; a font cache with more would be taken for stale.
find /usr/share/fonts /usr/local/share/fonts -type d -exec touch --date=@"$(date +%s)" {} +
fc-cache --system-only --force
update-mime-database /usr/share/mime
gtk-update-icon-cache --quiet --force /usr/share/icons/Papirus || true
glib-compile-schemas /usr/share/glib-2.0/schemas 2>/dev/null || true

rm -rf /var/cache/apt/* /var/lib/apt/lists/* /var/log/*.log /var/log/apt /tmp/* /var/tmp/*
rm -f /etc/machine-id /var/lib/dbus/machine-id /etc/ssh/ssh_host_* /var/lib/systemd/random-seed
: >/etc/machine-id
