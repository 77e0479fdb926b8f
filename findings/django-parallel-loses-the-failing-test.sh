#!/usr/bin/env bash
# Django 5.2.19: `manage.py test --parallel` without tblib, its output in a pipe, at times does not say which test failed.
#
# A worker that cannot hand a traceback over prints the failing test's name, its exception and the advice to install
# tblib, and then raises. It prints to standard output, which is buffered in a pipe; the parent ends the pool when the
# raised TypeError ("cannot pickle 'traceback' object") reaches it. Where that comes before the worker's buffer is
# flushed, all of it is lost: the run ends with the TypeError alone, and neither name nor advice are anywhere. A worker
# that is quicker, or PYTHONUNBUFFERED=1, has them. So the same failing test is a different report from run to run.
# Ends with 0 while both are seen in 300 runs, and the name in all of 20 unbuffered ones.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python django==5.2.19
mkdir sums
touch sums/__init__.py
cat > settings.py <<'PY'
INSTALLED_APPS = ["sums"]
SECRET_KEY = "x"
DATABASES = {}
USE_TZ = True
PY
cat > sums/tests.py <<'PY'
from django.test import SimpleTestCase


class Totals(SimpleTestCase):
    def test_total(self):
        self.assertEqual(sum([2, 3]), 6)


class Names(SimpleTestCase):
    def test_name(self):
        self.assertEqual("a".upper(), "A")
PY
run() {
    env "$@" DJANGO_SETTINGS_MODULE=settings venv/bin/python -m django test --parallel 2 2>&1 | cat > out || true
    grep -q "cannot pickle 'traceback' object" out
}
named=0 lost=0
for _ in $(seq 300); do
    run -u PYTHONUNBUFFERED
    if grep -q "test_total (sums.tests.Totals.test_total) failed:" out; then named=$((named + 1)); else lost=$((lost + 1)); fi
    [ "$named" = 0 ] || [ "$lost" = 0 ] || break
done
echo "named in $named runs, lost in $lost"
[ "$named" -gt 0 ] && [ "$lost" -gt 0 ]
for _ in $(seq 20); do
    run PYTHONUNBUFFERED=1
    grep -q "test_total (sums.tests.Totals.test_total) failed:" out
done
echo "as described"
