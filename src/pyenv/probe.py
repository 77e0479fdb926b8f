# Prints what the interpreter is and where it imports from, as one JSON object.
# Started without `site`, which would run what calls itself sitecustomize: that may lie in the tree.
import sys
for name in ("sitecustomize", "usercustomize"):
    sys.modules[name] = type(sys)(name)
# Nor is anything imported from the current folder, which site would write out as a folder like any other.
sys.path[:] = [folder for folder in sys.path if folder]
import site
site.main()
import ast
import json
import os

try:
    from urllib.parse import unquote
except ImportError:
    from urllib import unquote

packages, editable = [], []
for folder in sys.path:
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        continue
    for name in names:
        if name.endswith((".dist-info", ".egg-info", ".egg-link")):
            packages.append(name)
        elif name.startswith("__editable__") and name.endswith("_finder.py"):
            # An editable install by a finder: its MAPPING leads from packages to folders.
            try:
                names = {}
                with open(os.path.join(folder, name)) as source:
                    text = source.read()
                start = text.index("MAPPING")
                line = text[start:].split("\n", 1)[0].split("=", 1)[1]
                names = ast.literal_eval(line.strip())
                editable.extend(sorted(set(os.path.dirname(path) for path in names.values())))
            except Exception:
                pass
        if name.endswith(".dist-info"):
            # Any other editable install: the folder of its project.
            try:
                with open(os.path.join(folder, name, "direct_url.json")) as source:
                    origin = json.load(source)
                if origin["dir_info"]["editable"] and origin["url"].startswith("file://"):
                    project = unquote(origin["url"][len("file://"):])
                    others = [path for path in sys.path + editable if "site-packages" not in path]
                    if not any((path + os.sep).startswith(project + os.sep) for path in others):
                        inner = os.path.join(project, "src")
                        editable.append(inner if os.path.isdir(inner) else project)
            except Exception:
                pass
print(json.dumps({
    "executable": sys.executable,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "implementation": getattr(getattr(sys, "implementation", None), "name", "cpython"),
    "sys_path": [folder for folder in sys.path if folder and os.path.isdir(folder)],
    "editable": sorted(set(editable), key=editable.index),
    "packages": packages,
    "user_base": site.getuserbase(),
}))
