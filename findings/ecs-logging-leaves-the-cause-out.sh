#!/usr/bin/env bash
# ecs-logging 2.3.0: `error.stack_trace` is not what logging prints: no cause, no first line, no last line.
#
# logging.Formatter.formatException gives the traceback as the interpreter prints it, with "The above exception was the
# direct cause of the following exception". StdlibFormatter formats the frames alone (traceback.format_tb): what an
# exception was raised from is lost for every record, and the text begins with `  File "…"`, so that what looks for
# "Traceback (most recent call last)" finds nothing. Type and message are in fields beside it, of the last exception only.
# Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python ecs-logging==2.3.0
cat > app.py <<'PY'
import logging
import sys

import ecs_logging

handler = logging.StreamHandler()
if sys.argv[1] == "ecs":
    handler.setFormatter(ecs_logging.StdlibFormatter())
logging.basicConfig(handlers=[handler])
try:
    try:
        raise ValueError("the cause")
    except ValueError as error:
        raise LookupError("the effect") from error
except LookupError:
    logging.exception("no page")
PY
venv/bin/python app.py plain 2> plain
venv/bin/python app.py ecs 2> ecs
grep -q "ValueError: the cause" plain
grep -q '"message":"the effect"' ecs
grep -q '"stack_trace":"  File' ecs
if grep -q "direct cause\|ValueError" ecs; then exit 1; fi
echo "as described"
