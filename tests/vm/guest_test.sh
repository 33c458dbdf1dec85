#!/usr/bin/env bash
# What the runner itself promises: output, exit status, the watchdog. Each case boots a guest.
#
# shellcheck disable=SC2016  # The guest's shell expands these, not ours.
set -euo pipefail

guest=$(dirname "$(readlink -f "$0")")/guest
cd "${TEST_TMPDIR}"
failures=0

# expect NAME WANT GOT
expect() {
  if [[ $3 == "$2" ]]; then
    echo "ok    $1"
  else
    printf 'FAIL  %s: want %q, got %q\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

# run ARGUMENTS OF guest: leaves its outputs in the files out and err, its exit status in ${status}.
run() {
  status=0
  "${guest}" "$@" >out 2>err || status=$?
}

run --file "$0:/opt/data" -- /bin/sh -c 'printf "to\r\nstdout\n\001"; echo to stderr >&2; exit 7'
expect "the program's exit status is the runner's" 7 "${status}"
printf 'to\r\nstdout\n\001' >want
expect "stdout comes through byte for byte" "$(md5sum <want)" "$(md5sum <out)"
expect "stderr comes apart from stdout" "to stderr" "$(head -n 1 err)"

run -- /bin/sh -c 'echo "exit 0"; echo "exit 0" >/dev/console; exit 3'
expect "what a program prints is not taken for its result" 3 "${status}"

run --fetch /tmp/kept:"${PWD}/kept" --env GREETING='a  b' -- \
  /bin/sh -c 'echo "${GREETING}" >/tmp/kept; kill -KILL $$'
expect "a signal is 128 and its number" 137 "${status}"
expect "a file is fetched, an environment variable arrives" "a  b" "$(cat kept)"

run --time-limit 8 --console console -- /bin/sh -c 'echo before; cat /dev/zero | sleep 1000'
expect "the time limit ends the guest" 124 "${status}"
expect "what was printed before is not lost" before "$(cat out)"
expect "where each process hung is said" 1 "$(grep -c '^ pipe_write' err)"
expect "the console is kept" yes "$(grep -q 'NMI received' console && echo yes)"

run -- /bin/sh -c 'echo c >/proc/sysrq-trigger'
expect "a kernel panic is no result" 125 "${status}"
expect "the panic is printed" 1 "$(grep -c '^Kernel panic' err)"

# A QEMU whose machines stand still before their first instruction, the first one or all; or whose
# port for results is deaf.
mkdir stuck
cat >stuck/qemu-system-x86_64 <<'END'
#!/bin/sh
PATH=${PATH#*:}
still=
if [ "$STUCK" = all ] || { [ "$STUCK" = first ] && [ ! -e stuck/once ]; }; then still=-S; fi
: >stuck/once
for argument; do
  shift
  case $STUCK$argument in port*fdset/3,*) argument=file,id=port3,path=/dev/null ;; esac
  set -- "$@" "$argument"
done
exec qemu-system-x86_64 $still "$@"
END
chmod +x stuck/qemu-system-x86_64

STUCK=first PATH=${PWD}/stuck:${PATH} run --start-limit 1 -- /bin/sh -c 'echo once; exit 7'
expect "a machine that does not start the program is booted once more" 7 "${status}"
expect "the program has run once" once "$(cat out)"
expect "that it was booted twice is said" 1 "$(grep -c 'NOT STARTED after 1 s' err)"
expect "where the processors were is said" 4 "$(grep -c '^EIP=0000fff0' err)"

STUCK=all PATH=${PWD}/stuck:${PATH} run --start-limit 1 --boot-limit 8 --time-limit 1 -- /bin/true
expect "a second machine that does not start the program fails" 124 "${status}"
expect "there is no third" 1 "$(grep -c 'NOT STARTED' err)"
expect "where its processors were is said, too" 8 "$(grep -c '^EIP=0000fff0' err)"

STUCK=all PATH=${PWD}/stuck:${PATH} run --boot-limit 1 --time-limit 1 -- /bin/true
expect "without time left there is no second machine" "124 0" "${status} $(grep -c 'NOT STARTED' err)"

STUCK=port PATH=${PWD}/stuck:${PATH} run --time-limit 1 -- /bin/sh -c 'echo once; sleep 1000'
expect "a program whose start was not heard of is held to its time limit" 124 "${status}"
expect "it is not booted again" "once 0" "$(cat out) $(grep -c 'NOT STARTED' err)"
expect "that it had started is said" 1 "$(grep -c 'the program had started after' err)"

run --file /nonexistent:/opt/x -- /bin/true
expect "a file that is not there is refused before the boot" 2 "${status}"

exit "${failures}"
