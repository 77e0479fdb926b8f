#!/usr/bin/env bash
# ptest 2.0.3: a run in which tests fail ends with status 0.
#
# Its closing lines say "passed: 0, failed: 1", and the status is that of success, so that a pipeline, `git bisect run`
# and `set -e` take it for green; none of the options of `ptest3 --help` changes that. A module that cannot be imported ends with 1.
# pytest and unittest end with 1. Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python ptest==2.0.3
cat > test_sums.py <<'PY'
from ptest.assertion import assert_equals
from ptest.decorator import Test, TestClass


@TestClass()
class Sums:
    @Test()
    def test_sum(self):
        assert_equals(sum([1, 2]), 4)
PY
status=0
venv/bin/ptest3 -t test_sums > out 2>&1 || status=$?
grep -q 'passed: 0, failed: 1' out
[ "$status" = 0 ]
echo "import no_such_module" > test_sums.py
if venv/bin/ptest3 -t test_sums > out 2>&1; then exit 1; fi
echo "as described"
