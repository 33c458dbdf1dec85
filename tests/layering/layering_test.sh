#!/usr/bin/env bash
# layering_test.sh LIBRARIES PATH none|some: the outputs of the two queries of layering.bzl.
set -euo pipefail
libraries=$1
path=$2
expected=$3

if [[ ! -s ${libraries} ]]; then
  echo "the rule is about nothing: no target of the programs matches it" >&2
  exit 1
fi
if [[ ${expected} == some && ! -s ${path} ]]; then
  echo "no path found where there is one: this test can see nothing" >&2
  exit 1
fi
if [[ ${expected} == none && -s ${path} ]]; then
  echo "a layer rule of ARCHITECTURE.md is broken; the path, from the library to what it must not reach:" >&2
  sed 's/^/  /' "${path}" >&2
  exit 1
fi
