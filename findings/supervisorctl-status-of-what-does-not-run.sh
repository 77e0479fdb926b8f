#!/usr/bin/env bash
# supervisor 4.3.0: `supervisorctl status` ends with 0 for a program that never comes up.
#
# A program that ends at once is in BACKOFF between its tries: it is not running, and the last start failed. `supervisorctl
# status app` and `supervisorctl status` print BACKOFF and end with exit status 0, the one of a program that runs; only when
# the tries are used up (FATAL) it is 3. A deploy script that asks by exit status is told "running" for as long as
# `startretries` lasts, which is when it asks.
# Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
daemon=
trap 'if [ -n "$daemon" ]; then kill "$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
cd "$work"
python=${PYTHON:-python3}
"$python" -m venv venv 2>/dev/null && venv/bin/pip install -q supervisor==4.3.0 "setuptools<81" ||
    { uv venv -q --clear venv && uv pip install -q --python venv/bin/python supervisor==4.3.0 "setuptools<81"; }
cat > conf <<CONF
[supervisord]
nodaemon=true
logfile=$work/log
pidfile=$work/pid
[unix_http_server]
file=$work/socket
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://$work/socket
[program:app]
command=/bin/false
startretries=2
CONF
venv/bin/supervisord -c conf > out 2>&1 &
daemon=$!
ask() { status=0; venv/bin/supervisorctl -c conf status "$@" > said 2>&1 || status=$?; }
for _ in $(seq 300); do ask app; grep -q BACKOFF said && break; sleep 0.1; done
grep -q BACKOFF said
[ "$status" = 0 ]
for _ in $(seq 300); do ask app; grep -q FATAL said && break; sleep 0.1; done
grep -q FATAL said
[ "$status" = 3 ]
echo "as described (supervisor 4.3.0, $("$python" --version))"
