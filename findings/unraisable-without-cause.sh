#!/usr/bin/env bash
# CPython 3.11 to 3.13: "Exception ignored in …" leaves out what the exception was raised from.
#
# Every other traceback of the interpreter prints the chain ("The above exception was the direct cause of the following
# exception"): an uncaught exception, one in a thread, logging's. The default sys.unraisablehook, which tells of what
# __del__, a weakref's callback or an atexit hook of C code raised, prints the last exception alone, also where it was
# raised `from` another. The docs of sys.unraisablehook do not say so. The place where it went wrong first is not in the
# log; that there is no cause in it is no sign that there was none.
# Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > ignored.py <<'PY'
def fail():
    try:
        raise ValueError("the cause")
    except ValueError as error:
        raise LookupError("the effect") from error


class Ignored:
    def __del__(self):
        fail()


Ignored()
PY
cat > thread.py <<'PY'
import threading

from ignored_part import fail

threading.Thread(target=fail).start()
PY
sed '/^class/,$d' ignored.py > ignored_part.py
python=${PYTHON:-python3}
"$python" thread.py 2> thread
"$python" ignored.py 2> ignored
grep -q "LookupError: the effect" thread
grep -q "ValueError: the cause" thread
grep -q "LookupError: the effect" ignored
if grep -q "the cause$\|direct cause" ignored; then exit 1; fi
echo "as described ($("$python" --version))"
