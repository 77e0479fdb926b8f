"""Writes down which functions a Python program executes, who calls whom, and which files it opens.

Python imports this module at its start, since its folder stands on PYTHONPATH. The folder is taken off
sys.path at once, and another sitecustomize is imported as if this one were not there. Each process writes
a file of its own when it ends, and the mark of its beginning before, so that a process that was killed is
known to be missing. Whatever goes wrong in here must not change what the program does.
"""
import atexit
import os
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.environ.get("PYBISECT_TRACE")
LIBRARIES = tuple({os.path.dirname(os.__file__), sys.base_prefix + os.sep + "lib"})
OPENED = set()
# What the files of this folder cannot tell: processes that copy themselves, programs that are no Python.
UNSEEN = set()
MOST_RESTARTS = 64


class Profile:
    """Before Python 3.12: the interpreter's own profiler, which is quick and knows who calls whom."""

    def __init__(self):
        import _lsprof

        self.make = _lsprof.Profiler
        self.all = []
        threading.setprofile(self.begin)
        self.begin()

    def begin(self, *_):
        profiler = self.make(subcalls=True, builtins=False)
        self.all.append(profiler)
        profiler.enable(subcalls=True, builtins=False)

    def end(self):
        threading.setprofile(None)
        calls = {}
        for profiler in self.all:
            profiler.disable()
            for entry in profiler.getstats():
                if not isinstance(entry.code, str):
                    called = calls.setdefault(entry.code, set())
                    called.update(one.code for one in entry.calls or () if not isinstance(one.code, str))
        return calls


class Monitor:
    """From Python 3.12 on: each function reports its first call and is not asked again, so that it costs
    next to nothing. When a test begins, all functions are asked once more: what ran before, while
    importing, is called by the test too."""

    def __init__(self):
        self.calls = {}
        self.restarts = 0
        self.monitoring = sys.monitoring
        self.tool = next(tool for tool in (4, 3) if self.monitoring.get_tool(tool) is None)
        self.monitoring.use_tool_id(self.tool, "pybisect")
        event = self.monitoring.events.PY_START
        self.monitoring.register_callback(self.tool, event, self.start)
        self.monitoring.set_events(self.tool, event)

    def start(self, code, _):
        is_new = code not in self.calls
        self.calls.setdefault(code, set())
        frame = sys._getframe(1).f_back
        if frame is not None:
            self.calls.setdefault(frame.f_code, set()).add(code)
        if is_new and code.co_name.startswith("test") and self.restarts < MOST_RESTARTS:
            self.restarts += 1
            self.monitoring.restart_events()
        return self.monitoring.DISABLE

    def end(self):
        self.monitoring.set_events(self.tool, 0)
        self.monitoring.free_tool_id(self.tool)
        return dict(self.calls)


def note(event, args):
    if event == "open":
        if isinstance(args[0], str):
            # The working folder may be another one later.
            OPENED.add(os.path.abspath(args[0]))
    elif event in ("os.fork", "os.forkpty"):
        UNSEEN.add("fork")
    elif event in ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.system"):
        if not os.path.basename(os.fsdecode(args[0])).startswith("python"):
            UNSEEN.add("program")


def lines(calls):
    numbers = {}
    for code in list(calls):
        numbers.setdefault(code, len(numbers))
    for called in calls.values():
        for code in called:
            numbers.setdefault(code, len(numbers))
    paths = {}
    for code in numbers:
        name = getattr(code, "co_qualname", code.co_name)
        path = paths.get(code.co_filename)
        if path is None:
            path = paths[code.co_filename] = os.path.abspath(code.co_filename)
        yield "F %s\t%s\t%d\n" % (path, name, code.co_firstlineno)
    for code, called in calls.items():
        if called:
            yield "C %d %s\n" % (numbers[code], " ".join(str(numbers[one]) for one in called))
    for path in OPENED:
        if not path.startswith(LIBRARIES):
            yield "O %s\n" % path
    for what in UNSEEN:
        yield "U %s\n" % what
    yield "E\n"


def write(text):
    path = os.path.join(FOLDER, "%d.txt" % os.getpid())
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def end(recorder):
    try:
        write("".join(lines(recorder.end())))
    except Exception:
        pass


def begin():
    try:
        write("")
        recorder = Monitor() if sys.version_info >= (3, 12) else Profile()
        atexit.register(end, recorder)
        if hasattr(sys, "addaudithook"):
            sys.addaudithook(note)
        else:
            # Before Python 3.8, nothing tells of opened files.
            UNSEEN.add("program")
    except Exception:
        pass


def begin_lines():
    try:
        import pybisect_lines

        pybisect_lines.begin()
    except Exception:
        pass


def import_other():
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != HERE]
    own = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        if own is not None:
            sys.modules.setdefault("sitecustomize", own)


if os.environ.get("PYBISECT_LINES"):
    begin_lines()
elif FOLDER:
    begin()
import_other()
