#!/bin/sh
# A command that is not there: no task, 125, and a sentence that says what failed. (exits with 125)
exec "${CLOISTER:-cloister}" run "$@" -- /no/such/command
