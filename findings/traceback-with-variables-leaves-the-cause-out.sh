#!/usr/bin/env bash
# traceback-with-variables 2.2.1: what an exception was raised from is not printed.
#
# It takes the place of the interpreter's hook, to add the values of variables below each line. The
# interpreter prints the whole chain, with "The above exception was the direct cause of the following exception"; this one
# prints the last exception alone: the line at which it all began is lost. Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python traceback-with-variables==2.2.1
cat > app.py <<'PY'
try:
    raise ValueError("the cause")
except ValueError as error:
    raise LookupError("the effect") from error
PY
(echo "from traceback_with_variables import activate_by_import"; cat app.py) > with_variables.py
venv/bin/python app.py 2> plain || true
venv/bin/python with_variables.py 2> with_variables || true
grep -q "ValueError: the cause" plain
grep -q "LookupError: the effect" with_variables
if grep -q "direct cause\|ValueError: the cause" with_variables; then exit 1; fi
echo "as described"
