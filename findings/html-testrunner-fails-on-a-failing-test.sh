#!/usr/bin/env bash
# html-testRunner 1.2.1 with Python 3.11: it cannot report a failing test; no report is written, and no test is named.
#
# It formats a failed assertion by `_count_relevant_tb_levels` of unittest.TestResult, a private method that Python 3.11
# removed, though the package names no upper bound and installs there. Tests that pass or raise something else are reported;
# the first failed assertion ends the run with an AttributeError of the runner, status 1 and no "Ran 1 test". With Python
# 3.10 the same test is reported. Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python html-testRunner==1.2.1
cat > test_sums.py <<'PY'
import unittest

import HtmlTestRunner


class Sums(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(sum([1, 2]), WANTED)


if __name__ == "__main__":
    unittest.main(testRunner=HtmlTestRunner.HTMLTestRunner(output="reports"))
PY
sed 's/WANTED/3/' test_sums.py > passes.py
sed 's/WANTED/4/' test_sums.py > fails.py
venv/bin/python passes.py > passes.out 2>&1
grep -q '^Ran 1 test' passes.out
[ -n "$(ls reports)" ]
rm -r reports
status=0
venv/bin/python fails.py > fails.out 2>&1 || status=$?
[ "$status" = 1 ]
grep -q "AttributeError: 'HtmlTestResult' object has no attribute '_count_relevant_tb_levels'" fails.out
if grep -q '^Ran 1 test' fails.out; then exit 1; fi
[ ! -e reports ]
echo "as described"
