#!/usr/bin/env bash
# Twisted 26.10.0, `trial -j 2` over a module without tests: prints PASSED, and never ends.
#
# `trial MODULE` says "Ran 0 tests", PASSED, and ends with 0. With `-j` it prints "Running 0 tests." and "PASSED" as well,
# and then waits for ever: there is no worker to wait for, and the reactor that is to stop when the last one is done
# is never stopped. A job of CI in which a selection finds nothing hangs until its time is up, below a green summary.
# Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python Twisted==26.10.0
echo "import unittest" > test_nothing.py
timeout 60 venv/bin/python -m twisted.trial test_nothing > serial 2>&1
grep -q PASSED serial
status=0
timeout 60 venv/bin/python -m twisted.trial -j 2 test_nothing > parallel 2>&1 || status=$?
grep -q PASSED parallel
[ "$status" = 124 ]
echo "as described"
