#!/usr/bin/env bash
# CPython 3.11 to 3.13: under `python -m pdb -c continue`, `-m trace` and `-m cProfile` a failing program ends with status 0.
#
# pdb even says "The program exited via sys.exit(). Exit status: 1", and ends with 0 itself; the docs of none of the three
# say that the program's status is lost, and `coverage run`, which does the same work, hands it on. So a test suite that is
# profiled, traced or run with a prompt for its crashes passes in every script, whatever failed. Ends with 0 while that is
# so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
printf 'import sys\n\nsys.exit(1)\n' > program.py
python=${PYTHON:-python3}
status=0
"$python" program.py || status=$?
[ "$status" = 1 ]
for module in "pdb -c continue -c quit" "trace --count -C counts" "cProfile -o profile"; do
    status=0
    # shellcheck disable=SC2086
    "$python" -m $module program.py > said 2>&1 < /dev/null || status=$?
    [ "$status" = 0 ] || { echo "$module: $status" >&2; exit 1; }
done
echo "as described ($("$python" --version))"
