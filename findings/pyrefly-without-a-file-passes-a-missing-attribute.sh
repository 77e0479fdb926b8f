#!/usr/bin/env bash
# pyrefly 1.5.0: `pyrefly check` ends with 0 on a call of a method that the class does not have, until an empty file is there.
#
# Without a pyrefly.toml it says "0 errors" of a call of `total` on a list and of a str that is returned as an int; beside an
# empty pyrefly.toml, which sets nothing, it finds both and ends with 1. The note on the preset `basic` does not say that
# such mistakes are left out, and an empty file of settings changes nothing in mypy, pyright or ty. A commit that loses the
# file turns a red check green, and one that adds it a green one red. Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python pyrefly==1.5.0
mkdir with without
cat > with/app.py <<'PY'
def total(xs: list[int]) -> int:
    return xs.total()


def word(xs: list[int]) -> int:
    return str(sum(xs))
PY
cp with/app.py without/
: > with/pyrefly.toml
status=0
(cd with && ../venv/bin/pyrefly check app.py) > found 2>&1 || status=$?
[ "$status" = 1 ]
grep -q 'missing-attribute' found
grep -q 'bad-return' found
(cd without && ../venv/bin/pyrefly check app.py) > nothing 2>&1
grep -q '0 errors' nothing
echo "as described"
