#!/usr/bin/env bash
# rich 15.0.0, RichHandler(rich_tracebacks=True) into a pipe: the traceback is a box of 24 columns.
#
# Without a terminal rich takes 80 columns, of which the handler's own columns (time, level, file and line) are taken off
# before the traceback is drawn; a file name of 24 characters for the caller leaves 24. File names, line numbers, code and
# message are broken in the middle of words, so that in the log of a service neither the file, nor "FILE:LINE", nor the
# exception's message can be found by a search, though all of it is printed. Setting the width (`COLUMNS=200`) mends it.
# Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python rich==15.0.0
cat > ledger_of_the_whole_kiosk.py <<'PY'
import logging

from rich.logging import RichHandler

logging.basicConfig(format="%(message)s", handlers=[RichHandler(rich_tracebacks=True)])
try:
    raise ValueError("not a rate: four")
except ValueError:
    logging.exception("no page")
PY
COLUMNS= venv/bin/python ledger_of_the_whole_kiosk.py 2>&1 | cat > narrow
COLUMNS=200 venv/bin/python ledger_of_the_whole_kiosk.py 2>&1 | cat > wide
grep -q "ValueError: not a rate: four" wide
if grep -q "not a rate: four" narrow; then exit 1; fi
[ "$(wc -L < narrow)" -le 80 ]
echo "as described"
