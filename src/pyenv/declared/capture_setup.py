# Runs setup.py with a setup() that only notes what it is given, and prints that as one JSON line.
#
# Nothing is built and nothing but the standard library is imported: setuptools, distutils and every module
# that is not there (Cython, numpy, sphinx) are stand-ins whose contents can be called, subclassed and ignored.
import json
import os
import sys
import types
from importlib.machinery import ModuleSpec

MARK = "\npybisect-setup-arguments "
given = {}
calls = []


def setup(**arguments):
    calls.append(1)
    given.update(arguments)


VERSION = "60.0.0"


def stand_in(name):
    if name == "version":
        return VERSION
    # What is caught has to be an exception.
    if name.endswith(("Error", "Exception", "Warning", "NotFound", "Conflict")):
        return type(str(name), (Exception,), {})
    return Kind(str(name), (Anything,), {})


class Kind(type):
    """Of classes that can be asked for anything, as their instances can."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(name)


class Instance(object):
    def __init__(self, *arguments, **keywords):
        pass

    def __call__(self, *arguments, **keywords):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return VERSION if name == "version" else Anything()

    def __iter__(self):
        return iter(())

    def __str__(self):
        return "0"

    def __int__(self):
        return 60

    def compare(self, other):
        return True

    __lt__ = __le__ = __gt__ = __ge__ = compare


Anything = Kind("Anything", (Instance,), {})


class Stand(types.ModuleType):
    __path__ = []
    __file__ = "stand-in"
    __version__ = VERSION

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "setup":
            return setup
        if name in ("find_packages", "find_namespace_packages"):
            return lambda *a, **k: []
        return stand_in(name)


class Finder(object):
    def __init__(self, always):
        self.always = always

    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        wanted = top in ("setuptools", "distutils", "pkg_resources")
        # A module inside a package that is there has to be there too; inside a stand-in it is one as well.
        is_inside = path is not None and not isinstance(sys.modules.get(name.rpartition(".")[0]), Stand)
        if wanted != self.always or (not wanted and is_inside):
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Stand(spec.name)

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Finder(True))
sys.meta_path.append(Finder(False))
sys.dont_write_bytecode = True
sys.argv = ["setup.py", "--name"]
sys.path.insert(0, os.getcwd())
error = None
try:
    with open("setup.py", "rb") as source:
        code = compile(source.read(), "setup.py", "exec")
    exec(code, {"__name__": "__main__", "__file__": os.path.abspath("setup.py")})
except SystemExit:
    pass
except BaseException as problem:
    error = "%s: %s" % (type(problem).__name__, problem)


def plain(value):
    """Strings and lists of strings stay, everything else goes."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [str(item) for item in value]
    return str(value)


wanted = ("name", "version", "install_requires", "tests_require", "extras_require", "package_dir",
          "entry_points")
out = {key: plain(given[key]) for key in wanted if given.get(key)}
out["builds"] = bool(given.get("ext_modules") or given.get("cffi_modules") or given.get("rust_extensions"))
out["called"] = bool(calls)
out["error"] = error
sys.stdout.write(MARK + json.dumps(out) + "\n")
