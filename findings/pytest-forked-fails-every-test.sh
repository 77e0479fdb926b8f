#!/usr/bin/env bash
# pytest-forked 1.7.5 under pytest 9.2.0: every test fails, the ones that pass too.
#
# The child process hands its reports back with `marshal`. Since pytest 9.2 a TestReport has a field that is no plain
# value (`_id`, a NodeId), so marshal refuses ("unmarshallable object"), the child ends with status 3 without a word
# of it, and the parent reports the test as if it had ended the process:
#     FAILED test_a.py::test_a - …/test_a.py:0: running the test EXITED with status 3
# Both install together (pytest-forked asks for pytest>=3.10). With pytest 9.1.1 the same test passes. Whoever searches a
# history with `--forked` after an upgrade sees one failure everywhere, with a message that blames the test.
# Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
printf 'def test_a():\n    assert True\n' > test_a.py
for version in 9.1.1 9.2.0; do
    uv venv -q --python 3.11 "venv-$version"
    uv pip install -q --python "venv-$version/bin/python" "pytest==$version" pytest-forked==1.7.5
    "venv-$version/bin/python" -m pytest -q --forked > "out-$version" 2>&1 || true
done
grep -q "1 passed" out-9.1.1
grep -q "running the test EXITED with status 3" out-9.2.0
grep -q "1 failed" out-9.2.0
echo "as described"
