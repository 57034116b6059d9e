#!/bin/sh
# Makes the disk's file system from the packages, our files and the kernel's modules, without mounting.
# Runs as root, or as root of a user namespace. Arguments: archive of the packages, folder with files to
# add, folder for the work (emptied afterwards by the caller), kernel version, size of the disk in bytes.
set -e
archive=$1 files=$2 work=$3 version=$4 bytes=$5
recipe=$(dirname "$0")
root=$work/root

echo 'STEP 0 unpacking the packages'
rm -rf "$root"
mkdir -p "$root"
tar -C "$root" --numeric-owner --exclude='./dev/*' -xpf "$archive"

echo 'STEP 40 adding our files'
tar -C "$files" --owner=0 --group=0 --numeric-owner -c . | tar -C "$root" --no-overwrite-dir -x
cp "$recipe/setup.sh" "$root/setup.sh"

echo 'STEP 50 setting the system up'
PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" /bin/sh /setup.sh "$version"
rm "$root/setup.sh"
cp "$root/bin/busybox" "$work/busybox"

echo 'STEP 80 making the file system'
rm -f "$work/disk.raw"
truncate -s "$bytes" "$work/disk.raw"
mkfs.ext4 -q -F -L tsgateway -m 0 -i 32768 -E lazy_itable_init=0,lazy_journal_init=0 -d "$root" "$work/disk.raw"

echo 'STEP 100 tidying up'
rm -rf "$root"
