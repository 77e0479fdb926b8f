#!/usr/bin/env bash
# JPype 1.7: an exception that passes through Java loses the frames in which it was raised.
#
# A Python object implements java.lang.Runnable; its run() fails two calls below. Called from Python it comes with all three
# frames; called through a Java thread's run() the same exception, with its own type and message, arrives with the caller's
# frame alone, and Java's own handler of a failed thread prints a class name without type, message or frame. JPype's guide
# says that exceptions pass unchanged. The place where it went wrong is in no log. Needs a Java runtime. Ends with 0 while
# that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python jpype1==1.7.1
cat > through.py <<'PY'
import sys
import traceback

import jpype
import jpype.imports


def parse(text):
    raise ValueError("not a rate")


jpype.startJVM()
from java.lang import Thread


@jpype.JImplements("java.lang.Runnable")
class Page:
    @jpype.JOverride
    def run(self):
        parse("four")


calls = {"python": Page().run, "java": Thread(Page()).run}
try:
    calls[sys.argv[1]]()
except ValueError as error:
    print([frame.name for frame in traceback.extract_tb(error.__traceback__)])
PY
[ "$(venv/bin/python through.py python)" = "['<module>', 'run', 'parse']" ]
[ "$(venv/bin/python through.py java)" = "['<module>']" ]
echo "as described"
