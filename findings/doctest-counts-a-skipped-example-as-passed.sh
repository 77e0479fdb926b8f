#!/usr/bin/env bash
# doctest of Python 3.13.0: with -v, an example that is skipped is counted as a test that passed.
#
# Since 3.13 doctest counts skipped examples ("1 passed and 1 skipped"), and testfile() returns skipped=1. But where every
# example of a docstring is marked `# doctest: +SKIP`, `python -m doctest -v` closes with "1 passed." and without "skipped",
# though it tried none; 3.12 closes with "0 passed and 0 failed." Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# uv brings that version, where the network lets it; elsewhere one on the PATH is taken.
uv venv -q --python 3.13.0 venv
cat > sums.py <<'PY'
def total():
    """
    >>> total()  # doctest: +SKIP
    6
    """
PY
venv/bin/python -m doctest -v sums.py > out
if grep -q '^Trying:' out; then exit 1; fi
grep -qx '1 passed.' out
if grep -q skipped out; then exit 1; fi
echo "as described"
