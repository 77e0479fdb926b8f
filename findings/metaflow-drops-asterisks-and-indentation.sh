#!/usr/bin/env bash
# Metaflow 2.19.39: the traceback of a failed step is shown without its asterisks and its indentation, also in a pipe.
#
# `return fun(*args, **kwargs)` reads `return fun(args, kwargs)`, code that is in no file: Metaflow prints the traceback
# through its own markup, in which an asterisk switches bold type. `print` of the same line in a step keeps the asterisks;
# both lose the blanks by which a traceback's frames are told from its message, behind a mark with time, step and process.
# The docs show such tracebacks set in. Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python metaflow==2.19.39 "setuptools<81"
cat > flow.py <<'PY'
from metaflow import FlowSpec, step


def fail(*args, **kwargs):
    raise ValueError("not a rate")


class Kiosk(FlowSpec):
    @step
    def start(self):
        args, kwargs = (1,), {}
        print("    print(*args, **kwargs)")
        fail(*args, **kwargs)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Kiosk()
PY
status=0
HOME=$work USERNAME=kiosk venv/bin/python flow.py --no-pylint run > shown 2>&1 || status=$?
[ "$status" = 1 ]
grep -q '\] print(\*args, \*\*kwargs)$' shown
grep -q '\] fail(args, kwargs)$' shown
grep -q '\] File ".*flow.py", line' shown
grep -q '\] ValueError: not a rate$' shown
if grep -q ' fail(\*args, \*\*kwargs)' shown; then exit 1; fi
echo "as described"
