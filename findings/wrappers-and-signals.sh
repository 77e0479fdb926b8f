#!/usr/bin/env bash
# A test run that a signal ends (here SIGABRT): eight wrappers, four statuses.
#
# The shell's convention is 128 plus the number: 134. tox 4.67.15, invoke 3.0.3 and pdm 2.29.4 return 250 (Python's -6, cut
# to a byte), just and poethepoet 134, doit 2, nox 1, and make 2 (with "Aborted" in its line). So a rule for
# statuses above 128 takes 250 for signal 122, which does not exist, and sees nothing in the others.
# Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
uv venv -q --python 3.11 venv
uv pip install -q --python venv/bin/python tox==4.67.15 nox==2026.10.20 invoke==3.0.3 doit==0.37.0 poethepoet==0.49.0 pdm==2.29.4 \
    rust-just==1.59.0
export PATH=$work/venv/bin:$PATH VIRTUAL_ENV=$work/venv HOME=$work
ulimit -c 0
echo 'import os; os.abort()' > run.py
printf '[tox]\nskipsdist = true\n[testenv]\nskip_install = true\ncommands = python run.py\n' > tox.ini
printf 'import nox\n\n\n@nox.session(venv_backend="none")\ndef t(session):\n    session.run("python", "run.py")\n' > noxfile.py
printf 'from invoke import task\n\n\n@task\ndef t(c):\n    c.run("python run.py")\n' > tasks.py
printf 'def task_t():\n    return {"actions": ["python run.py"]}\n' > dodo.py
printf 't:\n\tpython run.py\n' > Makefile
printf 't:\n    python run.py\n' > justfile
printf '[project]\nname = "a"\nversion = "1"\nrequires-python = ">=3.9"\n[tool.pdm.scripts]\nt = "python run.py"\n' > pyproject.toml
printf '[tool.poe]\nexecutor.type = "simple"\n[tool.poe.tasks]\nt = "python run.py"\n' >> pyproject.toml
status() { local status=0; "$@" > out 2>&1 || status=$?; echo "$status"; }
seen="tox $(status tox -q) nox $(status nox) invoke $(status invoke t) doit $(status doit t) make $(status make t)"
seen="$seen just $(status just t) poe $(status poe t) pdm $(status pdm run t)"
echo "$seen"
[ "$seen" = "tox 250 nox 1 invoke 250 doit 2 make 2 just 134 poe 134 pdm 250" ]
echo "as described"
