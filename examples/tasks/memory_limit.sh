#!/bin/sh
# 32 MiB are the limit here: a task that wants more is killed by the kernel, and status says why. (exits with 137)
exec "${CLOISTER:-cloister}" run --memory 32 "$@" -- /usr/bin/tail /dev/zero
