"""A trial that rearranges its slot at random, and ends as its commit says.

rearrange.py SEED CANARY MAY_MOUNT  links lead to CANARY, into which nothing is written here
rearrange.py check ...              nothing is rearranged
"""

import ctypes
import fcntl
import os
import random
import socket
import struct
import subprocess
import sys

import app
import pkg.mod

UNCLEAN = 90
EXPECTED = {".git", "app.py", "pkg", "rearrange.py", "data"}
tmp = os.environ["TMPDIR"]
slot = os.path.dirname(tmp)
tree, home = slot + "/tree", os.environ["HOME"]
code = sys.pycache_prefix + tree


def unclean(why):
    print("unclean:", why, flush=True)
    os._exit(UNCLEAN)


def look():
    """What a trial finds is what was checked out, and nothing of the one before."""
    if set(os.listdir(tree)) != EXPECTED:
        unclean(("tree", os.listdir(tree)))
    if set(os.listdir(tree + "/pkg")) - {"__pycache__"} != {"__init__.py", "mod.py", "deep"}:
        unclean(("pkg", os.listdir(tree + "/pkg")))
    # The folder for temporary files is seen as /tmp: the folders on the way to what else is shown there are in it.
    for folder in (home, tmp):
        if [name for name in os.listdir(folder) if not name.startswith(".tmp")]:
            unclean((folder, os.listdir(folder)))
    attributes = {(folder, attributes_of(folder)) for folder in (tree, tree + "/pkg", tree + "/pkg/deep", tree + "/.git",
                                                                 tree + "/.git/refs", home, tmp)}
    umask = os.umask(0o22)
    os.umask(umask)
    if len({found for _, found in attributes}) > 1 or attributes_of(tree)[:4] != (0o777 & ~umask, os.geteuid(), os.getegid(), ()):
        unclean(("attributes", attributes))
    if app.value != pkg.mod.value or open(tree + "/data").read() != "data of %d\n" % app.value:
        unclean("contents of another version")
    said = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, cwd=tree)
    if said.returncode or said.stdout:
        unclean(said)


def attributes_of(folder):
    """What a folder has beside its entries: mode, owner, extended attributes, flags."""
    found = os.stat(folder)
    flags = None
    opened = os.open(folder, os.O_RDONLY)
    try:
        # Of ext4's own flags one says that the folder is large, another how its entries lie.
        flags = struct.unpack("l", fcntl.ioctl(opened, 0x80086601, bytes(8)))[0] & ~0x81000
    except OSError:
        pass
    os.close(opened)
    return (found.st_mode & 0o7777, found.st_uid, found.st_gid, tuple(os.listxattr(folder)), flags)


def access_list(*permissions):
    """For the owner, the group and all others, as acl(5) is stored."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, permission, 0xffffffff)
                                           for tag, permission in zip((1, 4, 32), permissions))


def alter(folder):
    """Change what a folder has beside its entries."""
    kind = rng.randrange(6)
    if kind == 0:
        os.setxattr(folder, "user.note", b"left")
    elif kind == 1:
        os.setxattr(folder, "system.posix_acl_default", access_list(4, 0, 0))
    elif kind == 2:
        os.setxattr(folder, "system.posix_acl_default", access_list(7, 7, 7))
    elif kind == 3:
        os.chown(folder, rng.choice([-1, 1]), 1)
    elif kind == 4:
        os.chmod(folder, rng.choice([0o2775, 0o777, 0o1700]))
    else:
        # Synchronous, no times of access, or nothing but appending. It may be a pipe by now.
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            flags = struct.unpack("l", fcntl.ioctl(opened, 0x80086601, bytes(8)))[0]
            fcntl.ioctl(opened, 0x40086602, struct.pack("l", flags | rng.choice([0x8, 0x80, 0x20])))
        finally:
            os.close(opened)


class Done(Exception):
    """What lies behind a mount is not told from what is in the slot."""


def is_inside(path):
    """Whether what is done here with a path stays in the slot: only that of pybisect is in question."""
    real = os.path.realpath(path), os.path.realpath(os.path.dirname(path))
    return not any((place + "/").startswith(os.path.realpath(canary) + "/") for place in real)


def put_aside(path):
    os.rename(path, path + "-%d" % rng.getrandbits(30))


def link(to, at):
    if os.path.lexists(at):
        put_aside(at)
    os.symlink(to, at)


def dig(top, depth):
    # A pipe would wait for its other end.
    here = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def mount(source, at, kind, flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), at.encode(), kind.encode(), flags, None):
        raise OSError(ctypes.get_errno(), "mount")


def forbid_changes(path):
    if os.path.isdir(path) or os.stat(path).st_nlink > 1:
        return
    # It may be a pipe, for which nobody is at the other end.
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        flags = struct.unpack("l", fcntl.ioctl(file, 0x80086601, bytes(8)))[0]
        fcntl.ioctl(file, 0x40086602, struct.pack("l", flags | 0x10))
    finally:
        os.close(file)


def odd_names(top):
    for name in (b"line\nbreak", b"\xff\xfe", b"-rf", b" ", b"\x1b[31m", b"n" * 255, b"*", b"x.d.pyc"):
        with open(os.path.join(os.fsencode(top), name), "w"):
            pass


def listen(at):
    socket.socket(socket.AF_UNIX).bind(at[-100:] if len(at) > 100 else at)


def act():
    folders = [tree, home, tmp, tree + "/.git", tree + "/.git/objects", tree + "/.git/objects/info",
               tree + "/.git/info", tree + "/.git/refs", tree + "/pkg", tree + "/pkg/deep",
               tree + "/pkg/__pycache__", code, code + "/pkg", code + "/pkg/deep", slot + "/other"]
    files = [tree + "/app.py", tree + "/data", tree + "/pkg/mod.py", tree + "/.git/index", tree + "/.git/index.lock",
             tree + "/.git/HEAD", tree + "/.git/HEAD.lock", tree + "/.git/config", tree + "/.git/packed-refs",
             tree + "/.git/objects/info/alternates", tree + "/.git/info/exclude", code + "/pkg/mod.%s.pyc" % tag,
             code + "/app.%s.pyc" % tag, tree + "/pkg/__pycache__/mod.%s.pyc" % tag, tmp + "/x", home + "/.bashrc"]
    if rng.random() < 0.1:
        folders.append(slot)
    folders, files = list(filter(is_inside, folders)), list(filter(is_inside, files))
    folder, file, any_of = rng.choice(folders), rng.choice(files), rng.choice(folders + files)
    inside = rng.choice([canary, canary + "/app.py", canary + "/pkg", canary + "/nothing", any_of, "/dev/zero"])
    choice = rng.randrange(18)
    if choice <= 3:
        link(canary, folder)
    elif choice == 4:
        link(inside, file)
    elif choice == 5:
        put_aside(any_of)
    elif choice == 6:
        os.path.lexists(any_of) and put_aside(any_of)
        os.mkfifo(any_of)
    elif choice == 7:
        os.path.lexists(file) and put_aside(file)
        os.mkdir(file)
        link(canary, file + "/x")
    elif choice == 8:
        dig(folder, rng.choice([3, 60, 300]))
    elif choice == 9:
        os.path.lexists(file) and put_aside(file)
        os.link(canary + "/app.py", file)
    elif choice == 10:
        os.chmod(folder, rng.choice([0o000, 0o500, 0o300, 0o1777]))
    elif choice == 11:
        odd_names(folder)
    elif choice == 12:
        one, other = rng.sample(folders, 2)
        os.rename(one, other + "/moved")
    elif choice == 13 and may_mount:
        at = folder if folder != slot else tree
        kind = rng.randrange(2)
        mount(canary if kind else "tmpfs", at, "" if kind else "tmpfs", 4096 if kind else 0)
        raise Done
    elif choice == 14:
        rng.choice([listen, forbid_changes])(rng.choice([file, folder]))
    elif choice == 15:
        os.path.lexists(folder) and put_aside(folder)
        os.mkdir(folder)
        odd_names(folder)
    elif choice >= 16:
        alter(folder)


tag = sys.implementation.cache_tag
seed, canary, may_mount = sys.argv[1], sys.argv[2], sys.argv[3] == "yes"
rng = random.Random(seed)
if "set-up" not in sys.argv:
    look()
if seed != "check":
    for _ in range(rng.randrange(1, 7)):
        try:
            act()
        except Done:
            break
        except (OSError, ValueError, IndexError):
            pass
os._exit(app.value)
