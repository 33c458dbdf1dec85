#!/bin/sh
# with_disk PROGRAM [ARGUMENT...], in the guest: with ext4 under /var/tmp and the test's temporary
# directory, as the guest has else nothing but a tmpfs, which cannot be id-mapped before Linux 6.3.
set -e
truncate -s 256M /var/disk
mke2fs -F /var/disk >/dev/null
mount -t ext4 -o loop /var/disk /var/tmp
chmod 1777 /var/tmp
export TEST_TMPDIR=/var/tmp/test CLOISTER_TEST_DISK=1
mkdir "$TEST_TMPDIR"
exec "$@"
