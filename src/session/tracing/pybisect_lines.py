"""Writes down which of the wanted lines a Python program executes.

Each is written when it is first reached: workers of a test runner often end without Python's clean-up. Whatever
goes wrong in here must not change what the program does.
"""
import atexit
import os
import sys
import threading

FOLDER = os.environ["PYBISECT_LINES"]
TOP = os.environ["PYBISECT_TOP"]


def wanted_files():
    """By their last name, the files with wanted lines, each with its path from the top."""
    by_name = {}
    with open(os.path.join(FOLDER, "wanted"), encoding="utf-8", errors="surrogateescape") as list_of_lines:
        for entry in list_of_lines.read().splitlines():
            path, _, lines = entry.partition("\t")
            by_name.setdefault(os.path.basename(path), []).append((path, set(map(int, lines.split()))))
    return by_name


BY_NAME = wanted_files()
# By file name as code objects have it: None, or the path from the top with the lines that are still to come.
FILES = {}
OPEN, JOIN, NAME_OF = open, os.path.join, os.path.basename


def write(line):
    try:
        with OPEN(JOIN(FOLDER, "out", "%d" % os.getpid()), "a", encoding="utf-8", errors="surrogateescape") as out:
            out.write(line + "\n")
    except Exception:
        pass


def content(path):
    with OPEN(path, "rb") as file:
        return file.read()


def is_same(filename, path):
    """Whether it is the file of the tree, or a copy of it: a test runner may have installed the project."""
    own = JOIN(TOP, path)
    try:
        return os.path.realpath(filename) == os.path.realpath(own) or content(filename) == content(own)
    except Exception:
        return False


def find(filename):
    for path, lines in BY_NAME.get(NAME_OF(filename), ()):
        if is_same(filename, path):
            write("M " + path)
            return path, set(lines)
    return None


def wanted(filename):
    try:
        return FILES[filename]
    except KeyError:
        FILES[filename] = None
        FILES[filename] = found = find(filename)
        return found


def reach(file, line):
    if line in file[1]:
        file[1].discard(line)
        write("L %s\t%d" % (file[0], line))


def trace(frame, event, _):
    """Before Python 3.12: called for each function, and for each line of a wanted file."""
    file = wanted(frame.f_code.co_filename)
    if not file:
        return None
    if event == "line":
        reach(file, frame.f_lineno)
    return trace


def monitor():
    """From Python 3.12 on: each line reports once and is not asked again."""
    monitoring = sys.monitoring
    tool = next(tool for tool in (4, 3) if monitoring.get_tool(tool) is None)

    def line(code, number):
        file = wanted(code.co_filename)
        if file:
            reach(file, number)
        return monitoring.DISABLE

    monitoring.use_tool_id(tool, "pybisect lines")
    monitoring.register_callback(tool, monitoring.events.LINE, line)
    monitoring.set_events(tool, monitoring.events.LINE)


def note(event, args):
    """What keeps this module from seeing all: another tracer (T), and another program that does not inherit it and
    may be Python (X)."""
    if event == "sys.settrace":
        if sys.gettrace() is trace:
            write("T")
    elif event in ("subprocess.Popen", "os.exec", "os.posix_spawn"):
        environment = args[3] if event == "subprocess.Popen" else args[2]
        words = args[1] if isinstance(args[1], (list, tuple)) else ()
        inherits = environment is None or any(os.fsdecode(name) == "PYBISECT_LINES" for name in environment)
        if not inherits or any(word in ("-I", "-E") for word in words):
            write("X")


def begin():
    write("P")
    if hasattr(sys, "addaudithook"):
        sys.addaudithook(note)
    else:
        write("X")
        atexit.register(lambda: sys.gettrace() is trace or write("T"))
    if hasattr(sys, "monitoring"):
        monitor()
    else:
        threading.settrace(trace)
        sys.settrace(trace)
