#!/bin/sh
# Thirteen capabilities are in reach of a task's set-uid programs, none is held, none can be gained. (exits with 0)
exec "${CLOISTER:-cloister}" run "$@" -- /bin/grep -E '^(Cap|NoNewPrivs)' /proc/self/status
