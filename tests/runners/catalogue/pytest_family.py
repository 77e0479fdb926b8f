"""pytest, its options, and its plugins."""

from projects import FAILS, OTHER, Files, Runner

TEST = "import app\n\n\ndef test_total():\n    assert app.total([1, 2, 3]) == 6\n"
NOTHING: Files = {"test_app.py": "import app\n"}
SKIPPED: Files = {
    "test_app.py": 'import pytest\n\nimport app\n\n\n@pytest.mark.skip(reason="not now")\n'
    "def test_total():\n    assert app.total([1, 2, 3]) == 6\n"
}


def plain(name: str, options: str, *packages: str, venv: str = "pytest", **others) -> Runner:
    """pytest over `test_app.py` with options."""
    files = {"test_app.py": others.pop("test", TEST), **others.pop("files", {})}
    return Runner(
        name,
        venv,
        ("{bin}/python -m pytest " + options).strip(),
        packages or ("pytest",),
        files,
        others.pop("nothing", NOTHING),
        others.pop("skipped", SKIPPED),
        **others,
    )


SLEEPS: Files = {"app.py": "import time\n\n\ndef total(xs):\n    time.sleep(60)\n"}

UNCOVERED: Files = {
    "app.py": "def total(xs):\n    return sum(xs)\n\n\ndef more(x):\n    if x:\n        x = 1\n    elif x is None:\n"
    "        x = 2\n    else:\n        x = 3\n    y = x\n    z = y\n    return z\n"
}

ASYNC_TEST = """\
import asyncio

import pytest

import app


@pytest.mark.asyncio
async def test_total():
    await asyncio.sleep(0)
    assert app.total([1, 2, 3]) == 6
"""

DESCRIBE_TEST = """\
import app


def describe_total():
    def sums():
        assert app.total([1, 2, 3]) == 6
"""

SUBTESTS_TEST = """\
import app


def test_total(subtests):
    for xs, expected in (([], 0), ([1, 2, 3], 6)):
        with subtests.test(msg="sum", n=len(xs)):
            assert app.total(xs) == expected or not xs
"""

HYPOTHESIS_TEST = """\
from hypothesis import given, strategies as st

import app


@given(st.lists(st.integers(0, 9), min_size=1))
def test_total(xs):
    assert app.total(xs) == sum(xs)
"""

BDD_TEST = """\
from pytest_bdd import parsers, scenarios, then, when

import app

scenarios("sums.feature")


@when("one, two and three are added", target_fixture="result")
def added():
    return app.total([1, 2, 3])


@then(parsers.parse("the sum is {n:d}"))
def the_sum(result, n):
    assert result == n
"""
FEATURE = "Feature: Sums\n  Scenario: A sum\n    When one, two and three are added\n    Then the sum is 6\n"

SCHEMA_TEST = """\
import schemathesis
from flask import Flask, jsonify

import app

server = Flask("sums")
SCHEMA = {
    "openapi": "3.0.3",
    "info": {"title": "sums", "version": "1"},
    "paths": {"/total": {"get": {"responses": {"200": {"description": "a sum", "content": {
        "application/json": {"schema": {"type": "integer", "minimum": 6}}}}}}}},
}


@server.get("/openapi.json")
def document():
    return jsonify(SCHEMA)


@server.get("/total")
def total():
    return jsonify(app.total([1, 2, 3]))


schema = schemathesis.openapi.from_wsgi("/openapi.json", server)


@schema.parametrize()
def test_api(case):
    case.call_and_validate()
"""

SANIC_TEST = """\
from sanic import Sanic
from sanic.response import text

import app


def test_total():
    server = Sanic("sums")

    @server.get("/total")
    async def total(request):
        return text(str(app.total([1, 2, 3])))

    _, response = server.test_client.get("/total")
    assert response.text == "6"
"""

#: A server that answers 500 and logs why, as those of frameworks do, on a port that is free.
TAVERN_SERVER = """import http.server
import json
import logging
import os
import threading

import pytest

import app


class Sums(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status, body = 200, json.dumps({"sum": app.total([1, 2, 3])}).encode()
        except Exception:
            logging.exception("GET %s", self.path)
            status, body = 500, b'{"error": "internal server error"}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="session", autouse=True)
def server():
    running = http.server.HTTPServer(("127.0.0.1", 0), Sums)
    os.environ["SUMS"] = f"http://127.0.0.1:{running.server_port}/"
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield
    running.shutdown()
"""
TAVERN_STAGE = """
stages:
  - name: ask
    request:
      url: "{tavern.env_vars.SUMS}"
      method: GET
    response:
      status_code: 200
      json:
        sum: 6
"""
TAVERN_TEST = "test_sums.tavern.yaml"


def marked(test: str, mark: str = 'import pytest\n\npytestmark = pytest.mark.skip(reason="not now")\n') -> Files:
    """The same test file, all of it skipped."""
    return {"test_app.py": mark + test}


RUNNERS = (
    plain("pytest", ""),
    plain("pytest -q", "-q"),
    plain("pytest -qq", "-qq"),
    plain("pytest -v --tb=short", "-v --tb=short"),
    plain("pytest -x --tb=no", "-x -q --tb=no"),
    plain("pytest --tb=line", "--tb=line"),
    plain("pytest --tb=native", "--tb=native"),
    plain("pytest --no-summary", "-q --no-header --no-summary", untold={OTHER: "bad"}),
    plain("pytest -rN --color=yes", "-rN --color=yes"),
    plain("pytest --junit-xml", "-q --junit-xml=report.xml"),
    plain("pytest-html", "-q --html=report.html --self-contained-html", "pytest-html"),
    plain("pytest-xdist", "-q -n 2", "pytest-xdist"),
    plain(
        "pytest-cov --cov-fail-under",
        "-q --cov app --cov-fail-under 90",
        "pytest-cov",
        instead={FAILS: UNCOVERED},
    ),
    plain("pytest-cov", "-q --cov app", "pytest-cov"),
    plain(
        "pytest-timeout (signal)", "-q --timeout 1 --timeout-method signal", "pytest-timeout", instead={FAILS: SLEEPS}
    ),
    plain(
        "pytest-timeout (thread)", "-q --timeout 1 --timeout-method thread", "pytest-timeout", instead={FAILS: SLEEPS}
    ),
    plain("pytest-forked", "-q --forked", "pytest-forked", venv="fork"),
    plain("pytest-rerunfailures", "-q --reruns 1", "pytest-rerunfailures"),
    plain("pytest-randomly", "-q", "pytest-randomly", venv="randomly"),
    plain("pytest-asyncio", "-q", "pytest-asyncio", venv="asyncio", test=ASYNC_TEST, skipped=marked(ASYNC_TEST)),
    plain(
        "pytest-bdd",
        "-q",
        "pytest-bdd",
        venv="bdd",
        test=BDD_TEST,
        files={"sums.feature": FEATURE},
        nothing={"sums.feature": "Feature: Sums\n"},
        skipped=marked(BDD_TEST),
    ),
    plain("pytest-describe", "-q", "pytest-describe", venv="bdd", test=DESCRIBE_TEST, skipped=marked(DESCRIBE_TEST)),
    plain("pytest subtests", "-q", test=SUBTESTS_TEST, skipped=marked(SUBTESTS_TEST)),
    plain("hypothesis", "-q -p no:cacheprovider", "hypothesis", test=HYPOTHESIS_TEST, skipped=marked(HYPOTHESIS_TEST)),
    plain("pytest-sugar", "", "pytest-sugar", venv="sugar", unnamed=True),
    plain("pytest-tap", "--tap", "pytest-tap", venv="tap", unnamed=True),
    plain(
        "schemathesis",
        "-q",
        "schemathesis",
        venv="schemathesis",
        test=SCHEMA_TEST,
        skipped=marked(SCHEMA_TEST),
        unnamed=True,
    ),
    plain(
        "sanic-testing", "-q", "sanic-testing", venv="sanic", test=SANIC_TEST, skipped=marked(SANIC_TEST), unnamed=True
    ),
    Runner(
        "tavern",
        "tavern",
        "{bin}/python -m pytest -q",
        ("tavern",),
        {"conftest.py": TAVERN_SERVER, TAVERN_TEST: "test_name: a sum\n" + TAVERN_STAGE},
        {TAVERN_TEST: None},
        {TAVERN_TEST: "test_name: a sum\n\nmarks:\n  - skip\n" + TAVERN_STAGE},
        unnamed=True,
    ),
    Runner(
        "karva",
        "karva",
        "PATH={bin}:$PATH {bin}/karva test",
        ("karva",),
        {"test_app.py": TEST},
        NOTHING,
        {
            "test_app.py": "import karva\n\nimport app\n\n\n@karva.tags.skip\ndef test_total():\n    assert app.total([1, 2, 3]) == 6\n"
        },
        shell=True,
        unnamed=True,
    ),
)
