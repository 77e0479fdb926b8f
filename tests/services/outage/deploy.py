"""Deploys a release of the shortener under gunicorn: deploy.py PLACE GUNICORN COMMIT FILES.

The files go beside the other releases, a link leads to them in one step, and the server is told, or started.
"""
import os
import shutil
import signal
import subprocess
import sys
import time

place, gunicorn, commit, files = sys.argv[1:]
release, link, pid_file = (os.path.join(place, name) for name in ("releases/" + commit, "current", "pid"))


def serving():
    try:
        with open(pid_file) as file:
            process = int(file.read())
        with open(f"/proc/{process}/stat") as file:
            return process if file.read().rsplit(")", 1)[1].split()[0] not in "ZX" else None
    except (OSError, ValueError):
        return None


with open(os.path.join(place, "deployed"), "a") as record:
    record.write(commit + "\n")
if not os.path.isdir(release):
    part = f"{release}.{os.getpid()}"
    shutil.copytree(files, part, symlinks=True)
    with open(os.path.join(part, "VERSION"), "w") as version_file:
        version_file.write(commit + "\n")
    os.symlink(os.path.join(place, "urls.json"), os.path.join(part, "urls.json"))
    os.rename(part, release)
os.symlink(release, f"{link}.{os.getpid()}")
os.replace(f"{link}.{os.getpid()}", link)
process = serving()
if process:
    os.kill(process, signal.SIGHUP)
    sys.exit()
command = [gunicorn, "--chdir", link, "--workers", "2", "--bind", f"unix:{place}/socket", "--pid", pid_file, "wsgi:app"]
with open(os.path.join(place, "errors.log"), "a") as log:
    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=place, start_new_session=True)
for _ in range(1500):
    if serving():
        break
    time.sleep(0.02)
