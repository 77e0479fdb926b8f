#!/usr/bin/env bash
# uv 0.13.9: every Twisted of before 2021 is out of reach, which uv 0.9.8 resolves.
#
# Twisted's releases up to 20.3.0 have a source distribution in a .tar.bz2, and no wheel that fits CPython 3 on Linux. uv
# took that form since 2024 for that very package; 0.13.9 finds its name "non-PEP 625-compliant" and has no solution, for a
# requirement without an upper bound as of a date in 2020 as for the version itself. It gives no hint, neither at the
# releases that are hidden by --exclude-newer nor at an older uv. Who builds environments of past days
# meets it with everything that rests on Twisted (treq, klein, Scrapy): taking Twisted as of 2021-02-28 (21.2.0 has a
# wheel), with the rest as of the day, works. Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv new
python3 -m venv old
new/bin/pip install --quiet "uv==0.13.9"
old/bin/pip install --quiet "uv==0.9.8"
echo 'twisted>=18.7' > wanted.in
compile() {
    "$1/bin/uv" --no-config --cache-dir "cache-$1" pip compile --quiet --no-deps --python-version 3.8 \
        --exclude-newer 2020-09-28 "${@:2}" wanted.in 2>&1
}
compile old > old.txt
grep -q '^twisted==20.3.0' old.txt
compile new > new.txt && exit 1
tr -s ' \n' '  ' < new.txt > new.line
grep -q 'non-PEP 625-compliant source distribution filename' new.line
grep -q 'requirements are unsatisfiable' new.line
grep -qi 'hint' new.line && exit 1
compile new --exclude-newer-package twisted=2021-02-28 > later.txt
grep -q '^twisted==21.2.0' later.txt
echo "as described"
