"""Servers of WSGI and ASGI applications."""

from program import RATE, UNCHAINED, WEB, Program

WSGI = """\
from kiosk.web import show_checked, show_rate


def application(environ, start_response):
    show = {"/rate": show_rate, "/checked": show_checked}.get(environ["PATH_INFO"], lambda request: "open")
    body = show({"item": "mint"}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
ASGI = """\
from kiosk.web import show_checked, show_rate


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    show = {"/rate": show_rate, "/checked": show_checked}.get(scope["path"], lambda request: "open")
    body = show({"item": "mint"}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""


def wsgi(name: str, package: str, form: str, command: str, venv: str = "wsgi", **others) -> Program:
    """A server of the WSGI application."""
    return Program(name, venv, (package,), form, WSGI, command, WEB, **others)


def asgi(name: str, package: str, form: str, command: str, **others) -> Program:
    """A server of the ASGI application."""
    return Program(name, "asgi", (package,), form, ASGI, command, WEB, **others)


def script(name: str, package: str, form: str, tail: str, venv: str = "wsgi", **others) -> Program:
    """A server that the driver itself starts."""
    head = "import os\n" + WSGI + '\n\nport = int(os.environ["PORT"])\n'
    return Program(name, venv, (package,) if package else (), form, head + tail, requests=WEB, **others)


PROGRAMS = (
    wsgi(
        "gunicorn",
        "gunicorn",
        "its own lines, then a traceback",
        "{bin}/gunicorn -b 127.0.0.1:{port} {module}:application",
    ),
    wsgi(
        "gunicorn-gthread",
        "gunicorn",
        "the same with access lines between",
        "{bin}/gunicorn -b 127.0.0.1:{port} -k gthread --access-logfile - {module}:application",
    ),
    wsgi(
        "waitress",
        "waitress",
        "its own lines, then a traceback",
        "{bin}/waitress-serve --listen 127.0.0.1:{port} {module}:application",
    ),
    wsgi(
        "uwsgi",
        "uWSGI",
        "bare tracebacks, then a line for the request",
        "{bin}/uwsgi --http-socket 127.0.0.1:{port} --wsgi-file {driver} --master --die-on-term",
        venv="uwsgi",
    ),
    wsgi(
        "uwsgi-json",
        "uWSGI",
        "each line a JSON object",
        "{bin}/uwsgi --http-socket 127.0.0.1:{port} --wsgi-file {driver} --master --die-on-term "
        '--log-encoder \'json {"unix":${unix},"msg":"${msg}"}\n\'',
        venv="uwsgi",
    ),
    script(
        "wsgiref",
        "",
        "bare tracebacks and access lines",
        'from wsgiref.simple_server import make_server\n\nmake_server("127.0.0.1", port, application).serve_forever()\n',
    ),
    script(
        "cheroot",
        "cheroot",
        "a traceback behind the name of the exception",
        "from cheroot.wsgi import Server\n\nServer(('127.0.0.1', port), application).start()\n",
    ),
    script(
        "gevent-pywsgi",
        "gevent",
        "a traceback, the request's environment, `failed with`",
        'from gevent.pywsgi import WSGIServer\n\nWSGIServer(("127.0.0.1", port), application).serve_forever()\n',
    ),
    script(
        "werkzeug",
        "Werkzeug",
        "an access line, then a traceback",
        'from werkzeug.serving import run_simple\n\nrun_simple("127.0.0.1", port, application)\n',
    ),
    asgi(
        "uvicorn", "uvicorn", "level and message, then a traceback", "{bin}/uvicorn --port {port} {module}:application"
    ),
    asgi(
        "hypercorn",
        "hypercorn",
        "time, process, level, then a traceback",
        "{bin}/hypercorn -b 127.0.0.1:{port} {module}:application",
    ),
    asgi("daphne", "daphne", "time, level, then a traceback", "{bin}/daphne -p {port} {module}:application"),
    asgi(
        "granian",
        "granian",
        "level and message, then a traceback",
        "{bin}/granian --interface asgi --port {port} --access-log {module}:application",
        errors=(RATE, UNCHAINED),
        leaves_out="the cause",
    ),
    Program(
        "granian-wsgi",
        "asgi",
        ("granian",),
        "level and message, then a traceback",
        WSGI,
        "{bin}/granian --interface wsgi --port {port} {module}:application",
        WEB,
        (RATE, UNCHAINED),
        "the cause",
    ),
)
