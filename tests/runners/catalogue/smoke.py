"""What is no test runner: an import, a compiler, linters, type checkers, checks of frameworks, a server and `curl`."""

from catalogue.pytest_family import NOTHING as NO_TEST
from catalogue.pytest_family import SKIPPED, TEST
from projects import CRASHES, EXITS, FAILS, IMPORT, NOTHING, OTHER, PASSES, Files, Runner

ACTIVE = "PATH={bin}:$PATH "


def code(text: str) -> Files:
    """Another program under test."""
    return {"app.py": text}


GOOD = "def total(xs: list[int]) -> int:\n    return sum(xs)\n"


def checker(
    name: str, command: str, package: str, fails: str, other: str, files: Files | None = None, **others
) -> Runner:
    """What reads the program and does not run it: only what fails, what cannot be read, and what is not there differ."""
    broken = "def total(xs:\n"
    instead = {
        PASSES: code(GOOD),
        FAILS: code(fails),
        IMPORT: code(broken),
        CRASHES: code(broken.replace("total", "sums")),
        EXITS: code("\tx = 1\n y = 2\n"),
        OTHER: code(other),
    }
    instead |= others.pop("instead", {})
    packages = (package,) if package else ()
    return Runner(
        name,
        others.pop("venv", "smoke"),
        command,
        packages,
        files or {},
        {"app.py": None, "readme.txt": ""},
        None,
        instead=instead,
        unnamed=True,
        **others,
    )


def runs(name: str, command: str, package: str = "", files: Files | None = None, **others) -> Runner:
    """What runs the program; where it is not there, that is an import that fails."""
    packages = (package,) if package else ()
    return Runner(
        name,
        others.pop("venv", "smoke"),
        command,
        packages,
        files or {},
        {"app.py": None, "readme.txt": ""},
        None,
        unnamed=True,
        **others,
    )


#: Fails where it is imported, as a smoke test would see.
CONFIGURED = {
    PASSES: "SECRET = 'x'\n",
    FAILS: "import os\n\nSECRET = os.environ['NO_SUCH_SETTING']\n",
    IMPORT: "import no_such_module\n",
    CRASHES: "import os\n\nos.abort()\n",
    EXITS: "import os\n\nos._exit(1)\n",
    OTHER: "SECRET = int('x')\n",
}


def served(text: dict[str, str], tail: str) -> dict[str, Files]:
    """The same with what makes an application of it."""
    return {situation: code(head + tail) for situation, head in text.items()}


IMPORTED = served(CONFIGURED, "")
FLASK = "\nfrom flask import Flask\n\napp = Flask('sums')\n\n\n@app.get('/')\ndef root():\n    return 'ok'\n"
CELERY = "\nfrom celery import Celery\n\napp = Celery('sums', broker='memory://', backend='cache+memory://')\n"
WSGI = "\n\ndef application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'ok']\n"
MANAGE = (
    "import os\nimport sys\n\nfrom django.core.management import execute_from_command_line\n\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\nexecute_from_command_line(sys.argv)\n"
)
SETTINGS = "SECRET_KEY = 'x'\nINSTALLED_APPS = []\nROOT_URLCONF = 'urls'\nUSE_TZ = True\n"
URLS = "import app\n\nurlpatterns = []\nassert app.total([1, 2, 3]) == 6\n"
SERVER = """\
import http.server
import sys

import app


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(app.total([1, 2, 3])).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open("port", "w").write(str(server.server_port))
server.serve_forever()
"""
CURL = """\
set -eu
rm -f port
python server.py &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  [ -s port ] && break
  sleep 0.2
done
answer=$(curl -fsS "http://127.0.0.1:$(cat port)/")
[ "$answer" = 6 ] || { echo "wrong answer: $answer" >&2; exit 1; }
echo ok
"""
ALEMBIC: Files = {
    "alembic.ini": "[alembic]\nscript_location = migrations\nsqlalchemy.url = sqlite:///:memory:\n",
    "migrations/script.py.mako": "",
    "migrations/versions/keep.txt": "",
    "migrations/env.py": "import sys\n\nsys.path.insert(0, '.')\nimport app\nfrom alembic import context\nfrom sqlalchemy import create_engine\n\n"
    "with create_engine('sqlite:///:memory:').connect() as connection:\n"
    "    context.configure(connection=connection, target_metadata=app.metadata)\n"
    "    with context.begin_transaction():\n        context.run_migrations()\n",
}
TABLE = "from sqlalchemy import Column, Integer, MetaData, Table\n\nmetadata = MetaData()\n"
KNOWN = "import json\n"
CHECKS = "set -e\nruff check --no-cache app.py\nmypy --no-incremental app.py\npython -m pytest -q test_app.py\n"
HARD = "import app\n\nassert app.total([1, 2, 3]) == 6, app.total([1, 2, 3])\n"

RUNNERS = (
    runs("python -c import", "{bin}/python -c 'import app'", instead=IMPORTED, shell=True, venv="pytest"),
    runs(
        "python -c assert", "{bin}/python -c 'import app; assert app.total([1, 2, 3]) == 6'", shell=True, venv="pytest"
    ),
    runs("python -X dev -W error", "{bin}/python -X dev -W error smoke.py", files={"smoke.py": HARD}, venv="pytest"),
    checker(
        "compileall",
        "{bin}/python -m compileall -q .",
        "",
        "def total(xs):\n    return sum(xs))\n",
        "def total(xs):\nreturn sum(xs)\n",
        untold={NOTHING: "good"},
        venv="pytest",
    ),
    checker(
        "ruff check",
        "{bin}/ruff check --no-cache .",
        "ruff",
        "import os\n\n\n" + GOOD,
        "def total(xs):\n    return sums(xs)\n",
        untold={NOTHING: "good"},
    ),
    checker(
        "ruff format --check",
        "{bin}/ruff format --no-cache --check .",
        "ruff",
        GOOD.replace("(xs)", "( xs )"),
        GOOD.replace("    return", "  return"),
        untold={NOTHING: "good", OTHER: "bad"},
    ),
    checker(
        "isort --check",
        "{bin}/python -m isort --check .",
        "isort",
        "import sys\nimport os\n" + GOOD,
        "import re\nimport ast\n" + GOOD,
        untold={NOTHING: "good", OTHER: "bad", IMPORT: "good", CRASHES: "good", EXITS: "good"},
    ),
    checker(
        "black --check",
        "{bin}/black --check .",
        "black",
        GOOD.replace("(xs)", "( xs )"),
        GOOD.replace("    return", "  return"),
        untold={NOTHING: "good", OTHER: "bad"},
    ),
    checker(
        "flake8",
        "{bin}/flake8 --isolated app.py",
        "flake8",
        "import os\n\n\n" + GOOD,
        "def total(xs):\n    return sums(xs)\n",
    ),
    checker(
        "pylint -E",
        "{bin}/pylint -E app.py",
        "pylint",
        "def total(xs):\n    return xs.summ() + undefined\n",
        "import collections\n\n\ndef total(xs):\n    return collections.total(xs)\n",
    ),
    checker(
        "mypy",
        "{bin}/mypy --no-incremental app.py",
        "mypy",
        GOOD.replace("sum(xs)", "str(xs)"),
        GOOD.replace("sum(xs)", "xs.total()"),
    ),
    checker(
        "basedpyright",
        "{bin}/basedpyright --level error app.py",
        "basedpyright",
        GOOD.replace("sum(xs)", "str(xs)"),
        GOOD.replace("sum(xs)", "xs.total()"),
        venv="pyright",
    ),
    runs(
        "manage.py check",
        "{bin}/python manage.py check",
        "django",
        {"manage.py": MANAGE, "settings.py": SETTINGS, "urls.py": URLS},
    ),
    runs("flask routes", "{bin}/flask --app app routes", "flask", instead=served(CONFIGURED, FLASK)),
    runs(
        "gunicorn --check-config",
        "{bin}/gunicorn --check-config app:application",
        "gunicorn",
        instead=served(CONFIGURED, WSGI),
    ),
    runs("celery report", "{bin}/celery -A app report", "celery", instead=served(CONFIGURED, CELERY)),
    runs(
        "alembic check",
        "{bin}/alembic check",
        "alembic",
        ALEMBIC,
        instead={
            situation: code(head + TABLE) for situation, head in CONFIGURED.items() if situation not in (FAILS, OTHER)
        }
        | {
            FAILS: code(TABLE + "Table('sums', metadata, Column('id', Integer))\n"),
            OTHER: code(TABLE + "Table('sums', metadata, Column('id', no_such_type))\n"),
        },
    ),
    checker(
        "ruff check, with a known complaint",
        "{bin}/ruff check --no-cache app.py known.py",
        "ruff",
        "import os\n\n\n" + GOOD,
        "import re\n\n\n" + GOOD,
        {"known.py": KNOWN},
    ),
    checker(
        "mypy, with a known complaint",
        "{bin}/mypy --no-incremental app.py known.py",
        "mypy",
        GOOD.replace("sum(xs)", "str(xs)"),
        GOOD.replace("sum(xs)", "xs.total()"),
        {"known.py": "x: int = 'x'\n"},
    ),
    Runner(
        "a script of ruff, mypy and pytest",
        "smoke",
        ACTIVE + "sh checks.sh",
        ("ruff", "mypy", "pytest"),
        {"test_app.py": TEST, "checks.sh": CHECKS},
        NO_TEST,
        SKIPPED,
        instead={OTHER: code("import os\n\n\n" + GOOD)},
        shell=True,
        unnamed=True,
    ),
    runs(
        "a server and curl",
        ACTIVE + "bash smoke.sh",
        files={"server.py": SERVER, "smoke.sh": CURL},
        shell=True,
        venv="pytest",
    ),
)
