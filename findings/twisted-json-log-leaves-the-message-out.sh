#!/usr/bin/env bash
# Twisted 26.10.0: what `jsonFileLogObserver` writes of a failure holds its type and frames, and not its message.
#
# It is the form that is there to be read back, by `eventsFromJSONLogFile`. An exception object is no JSON, so it becomes
# `{"unpersistable": true}`, and its text is written nowhere: "no rate for mint" cannot be told from any other LookupError
# of that line. The text log of the same event has it. Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python twisted==26.10.0
cat > app.py <<'PY'
import sys

from twisted.logger import Logger, jsonFileLogObserver, textFileLogObserver

observer = {"json": jsonFileLogObserver, "text": textFileLogObserver}[sys.argv[1]](sys.stdout)
log = Logger(observer=observer)
try:
    raise LookupError("no rate for mint")
except LookupError:
    log.failure("no page")
PY
venv/bin/python app.py text > text
venv/bin/python app.py json > json
grep -q 'LookupError: no rate for mint' text
grep -q '"__name__": "LookupError"' json
grep -q '"value": {"unpersistable": true}' json
if grep -q 'no rate for mint' json; then exit 1; fi
echo "as described"
