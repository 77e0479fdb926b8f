#!/usr/bin/env bash
# pytest-tap 3.5 and pytest 9.2.0: installed, the plugin keeps pytest from starting, whatever it is asked.
#
# The plugin has two options for one destination, which pytest up to 9.1.1 took. 9.2.0 refuses that, and since the plugin is
# loaded wherever it is installed, a run without any of its options ends with status 3 before a test is collected. Nothing
# in the plugin's metadata bounds pytest. To who searches a history, every commit since the lock was renewed fails;
# `-p no:tap` runs it. Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo 'def test_price(): assert 2 * 3 == 6' > test_price.py
for pytest in 9.1.1 9.2.0; do
    python3 -m venv "with-$pytest"
    "with-$pytest/bin/pip" install --quiet "pytest==$pytest" "pytest-tap==3.5" "tap.py==3.2.1"
done
run() { status=0; "with-$1/bin/pytest" -q "${@:2}" test_price.py > said 2>&1 || status=$?; }
run 9.1.1
test $status = 0
grep -q '1 passed' said
run 9.2.0
test $status = 3
grep -q "option dest 'tap_stream' already used by" said
run 9.2.0 -p no:tap
test $status = 0
grep -q '1 passed' said
echo "as described"
