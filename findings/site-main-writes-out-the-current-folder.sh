#!/usr/bin/env bash
# site.main(), called by hand after `python -S`, makes the empty first entry of sys.path (the current folder, whichever it
# is) the absolute path of the folder of that moment. Started without -S, the entry stays empty.
# Seen with CPython 3.11; the documentation of site.main() says that it adds the site-specific folders, and that it is what
# runs by itself without -S, so that one expects the same sys.path either way.
# What it means: whoever starts an interpreter with -S, to look at it before its sitecustomize runs, and then lets site do
# its work, gets the current folder as one more folder of packages, and after os.chdir imports from the old one.
# Needs python3 (3.6 or later), nothing else. Exit status 0: it still behaves so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
plain=$(env -u PYTHONSAFEPATH python3 -c 'import sys; print(repr(sys.path[0]))')
by_hand=$(env -u PYTHONSAFEPATH python3 -S -c 'import sys, site; site.main(); print(repr(sys.path[0]))')
python3 --version
echo "python -c:                 sys.path[0] is $plain"
echo "python -S -c, site.main(): sys.path[0] is $by_hand"
[ "$plain" = "''" ] && [ "$by_hand" = "'$(pwd -P)'" ]
