#!/bin/sh
# What the node does not permit is refused before anything is started, by name. (exits with 125)
exec "${CLOISTER:-cloister}" run --cap-add sys_admin "$@" -- /bin/true
