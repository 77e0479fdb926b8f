#!/usr/bin/env bash
# uv 0.13.9: `pip compile --exclude-newer` hints at a later date where no date helps.
#
# Sphinx 8.2.3 asks for Python 3.11. Asked for with Python 3.10 and as of a date, uv gives that as the cause, and then hints
# that the newest Sphinx was filtered by the date, and that --exclude-newer-package would override it. With that option the
# newer ones are looked at, which ask for a newer Python still: no solution again. Whoever brings a package forward in time
# on that hint goes the wrong way; uv 0.9.8 had no such hint here. Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "uv==0.13.9"
echo 'sphinx>=8.2.3' > wanted.in
compile() {
    venv/bin/uv --no-config --cache-dir cache pip compile --quiet --python-version 3.10 \
        --exclude-newer 2025-10-08 "$@" wanted.in > said 2>&1 && exit 1
    tr -s ' \n' '  ' < said
}
compile > hinted
grep -q 'does not satisfy Python>=3.11' hinted
grep -q 'filtered by `exclude-newer`' hinted
grep -q 'Consider using `exclude-newer-package`' hinted
compile --exclude-newer-package sphinx=2026-01-01 > followed
grep -q 'No solution found' followed
grep -q 'does not satisfy Python>=' followed
echo "as described"
