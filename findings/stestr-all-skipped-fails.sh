#!/usr/bin/env bash
# stestr 4.2.1: a run whose tests were all skipped ends with status 1, as if one had failed.
#
# unittest, which runs the tests, says OK and ends with 0; so do pytest, nose2, zope.testrunner, trial and green. stestr
# prints "No tests were successful during the run", counts "Skipped: 1, Failed: 0", and ends with 1. The status cannot
# tell a failing test from a skipped one, from a selection that matches nothing, or from a worker that died
# ("The test run didn't actually run any tests"): all are 1. Only the text does.
# Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python stestr==4.2.1
mkdir tests
touch tests/__init__.py
printf '[DEFAULT]\ntest_path=./tests\ntop_dir=./\n' > .stestr.conf
cat > tests/test_a.py <<'PY'
import unittest


class A(unittest.TestCase):
    @unittest.skip("not now")
    def test_a(self):
        pass
PY
venv/bin/python -m unittest tests.test_a 2> unittest
grep -q "OK (skipped=1)" unittest
status=0
venv/bin/stestr run > stestr 2>&1 || status=$?
grep -q "Skipped: 1" stestr
grep -q "Failed: 0" stestr
[ "$status" = 1 ]
echo "as described"
