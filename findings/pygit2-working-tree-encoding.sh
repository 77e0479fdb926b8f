#!/usr/bin/env bash
# pygit2 1.18.2 (libgit2 1.9), git 2.47: a checkout converts line ends and $Id$ as attributes ask for, and leaves
# working-tree-encoding out without a word, so that of three attributes in one file two are heeded.
#
# The same commit is checked out by git and by pygit2 (`Repository.checkout_tree` into another folder). `status` of the
# git executable then calls the file of pygit2's checkout changed.
#
# Seen: git writes ff fe 61 00 0d 00 0a 00 (UTF-16 with a mark and CRLF), pygit2 61 0d 0a (UTF-8 with CRLF).
# A good engineer expects: the same bytes, or an error, since the other conversions of the same file are made.
# Exit status 0: the behaviour is as told. 1: it has changed. 99: not to be tried here.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q --disable-pip-version-check 'pygit2==1.18.2' || exit 99
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org
export GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
git init -q -b main "$work/top" && cd "$work/top" || exit 99
printf '*.txt text working-tree-encoding=UTF-16LE-BOM eol=crlf\n' > .gitattributes
printf '\xff\xfea\0\r\0\n\0' > a.txt
git add -A && git commit -q -m one && rm a.txt && git checkout -q -- a.txt || exit 99
mkdir "$work/other"
"$work/venv/bin/python" - "$work" <<'END'
import sys
import pygit2

work = sys.argv[1]
repository = pygit2.Repository(work + "/top")
repository.checkout_tree(repository.head.peel(), directory=work + "/other", strategy=pygit2.enums.CheckoutStrategy.FORCE)
by_git, by_pygit2 = (open(work + folder + "/a.txt", "rb").read() for folder in ("/top", "/other"))
print("stored:", repository.head.peel().tree["a.txt"].data, "| git:", by_git.hex(" "), "| pygit2:", by_pygit2.hex(" "))
sys.exit(0 if by_git == b"\xff\xfea\0\r\0\n\0" and by_pygit2 == b"a\r\n" else 1)
END
