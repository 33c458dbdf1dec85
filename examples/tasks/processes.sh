#!/bin/sh
# It sees its own processes only: its init and itself. (exits with 0)
exec "${CLOISTER:-cloister}" run "$@" -- /bin/sh -c 'for p in /proc/[0-9]*; do echo "${p#/proc/} $(cat $p/comm)"; done'
