#!/usr/bin/env bash
# hypercorn 0.18.0: an application that cannot be imported ends the server with exit status 0.
#
# At the start, and after a SIGHUP that should reload a healthy server: its worker prints the ModuleNotFoundError, the
# server that was answering is gone, and its exit status says that all went well. gunicorn ends with 3 there, uvicorn
# with 1. Whatever starts servers by exit status (systemd's Restart=on-failure, a deploy script with `set -e`) takes it for
# a stop that was wanted, and does not start it again.
# Ends with 0 while that is so.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill -9 "$server" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
cd "$work"
python=${PYTHON:-python3}
"$python" -m venv venv 2>/dev/null && venv/bin/pip install -q hypercorn==0.18.0 ||
    { uv venv -q --clear venv && uv pip install -q --python venv/bin/python hypercorn==0.18.0; }
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
answers() {
    "$python" -c "import urllib.request as r; print(r.urlopen('http://127.0.0.1:$port/', timeout=5).read().decode())" 2>/dev/null
}
cat > app.py <<'PY'
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"one"})
PY
venv/bin/hypercorn -w 1 -b "127.0.0.1:$port" app:app > reloaded 2>&1 &
server=$!
for _ in $(seq 600); do [ "$(answers)" = one ] && break; sleep 0.1; done
[ "$(answers)" = one ]
echo "import a_module_of_no_such_name" > app.py
kill -HUP "$server"
wait "$server"
server=
grep -q "^ModuleNotFoundError" reloaded
timeout 60 venv/bin/hypercorn -w 1 -b "127.0.0.1:$port" app:app > started 2>&1
grep -q "^ModuleNotFoundError" started
echo "as described (hypercorn 0.18.0, $("$python" --version))"
