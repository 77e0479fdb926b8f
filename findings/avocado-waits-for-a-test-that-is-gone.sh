#!/usr/bin/env bash
# Avocado 113.0: a test that ends its process leaves the job waiting, without a limit.
#
# pytest-xdist, stestr and karva report a worker that died, and go on. `avocado run` prints "STARTED" and waits for a
# message that nobody sends any more (here for 60 seconds), also where the test called os._exit(1) or
# was ended by a signal. A --job-timeout ends it. A run of seconds becomes one that CI has to end, whose log says
# nothing about the test but that it started.
# Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python avocado-framework==113.0 'setuptools<81'
cat > test_a.py <<'PY'
import os

from avocado import Test


class A(Test):
    def test_a(self):
        os._exit(1)
PY
export HOME=$work
status=0
timeout 60 venv/bin/avocado run --disable-sysinfo --job-results-dir results test_a.py > out 2>&1 || status=$?
grep -q "test_a.py:A.test_a: STARTED" out
[ "$status" = 124 ]
echo "as described"
