#!/bin/sh
# The node's /etc is there to read, but what only root may read is refused by the kernel. (exits with 1)
exec "${CLOISTER:-cloister}" run "$@" -- /bin/cat /etc/hostname /etc/shadow
