#!/usr/bin/env bash
# pygit2 1.18.2 (libgit2 1.9), git 2.47: the documented way to open a repository takes the wrong folder for the work tree
# of a clone made with --separate-git-dir, and says nothing.
#
# `Repository(discover_repository(path))` stands in pygit2's documentation. `discover_repository` gives the folder of the
# repository, and from that alone libgit2 cannot know where the work tree is: its `.git` is a file that points the other
# way. It takes the folder above the repository's. `Repository(path)` follows the same `.git` file and is right.
#
# Seen: by discovery <tmp>/, directly <tmp>/clone/, and git says <tmp>/clone; status() by discovery lists the file of the
# clone as deleted, and a stranger beside the repository as new.
# A good engineer expects: both the same, or an error.
# Exit status 0: the behaviour is as told. 1: it has changed. 99: not to be tried here.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q --disable-pip-version-check 'pygit2==1.18.2' || exit 99
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org
export GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
git init -q -b main "$work/source" && cd "$work/source" || exit 99
echo one > file && git add -A && git commit -q -m one || exit 99
git clone -q --separate-git-dir="$work/apart.git" "$work/source" "$work/clone" && cd "$work/clone" || exit 99
"$work/venv/bin/python" - "$(git rev-parse --show-toplevel)" <<'END'
import os, sys
import pygit2

top = os.path.realpath(sys.argv[1])
found = pygit2.Repository(pygit2.discover_repository("."))
direct = pygit2.Repository(".")
print("git:", top, "| by discovery:", found.workdir, "| directly:", direct.workdir)
print("status by discovery:", {name: flags for name, flags in found.status().items() if name in ("file", "source/")})
same = os.path.realpath(direct.workdir) == top
wrong = os.path.realpath(found.workdir) == os.path.dirname(top)
sys.exit(0 if same and wrong and found.status().get("file") == pygit2.enums.FileStatus.WT_DELETED else 1)
END
