#!/bin/sh
# A task is nobody, on a machine of its own name, and its exit code is yours. (exits with 7)
exec "${CLOISTER:-cloister}" run "$@" -- /bin/sh -c 'id; exit 7'
