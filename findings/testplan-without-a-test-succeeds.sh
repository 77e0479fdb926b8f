#!/usr/bin/env bash
# testplan 25.8.0: a plan in which no test is ends with status 0, though its own report says that it did not pass.
#
# The report's tree has "[totals] -> Unknown" at its top, the word for what has no result, where a plan that passed has
# "[totals] -> Passed". `main()` of a plan is true for both, so the documented `sys.exit(not main())` ends with 0. A
# decorator that got lost (`@testcase`) makes a suite green that way. pytest ends with 5 there, unittest (since Python
# 3.12) as well. Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python testplan==25.8.0
cat > test_plan.py <<'PY'
import sys

from testplan import test_plan
from testplan.testing.multitest import MultiTest, testcase, testsuite


@testsuite
class Totals:
    MARK
    def total(self, env, result):
        result.equal(sum([1, 2, 3]), 6)


@test_plan(name="totals")
def main(plan):
    plan.add(MultiTest(name="Totals", suites=[Totals()]))


if __name__ == "__main__":
    sys.exit(not main())
PY
sed 's/MARK/@testcase/' test_plan.py > marked.py
sed '/MARK/d' test_plan.py > unmarked.py
venv/bin/python marked.py > passed
grep -q '^\[totals\] -> Passed$' passed
status=0
venv/bin/python unmarked.py > nothing || status=$?
grep -q '^\[totals\] -> Unknown$' nothing
[ "$status" = 0 ]
echo "as described"
