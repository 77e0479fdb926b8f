"""Collectors' and clouds' formatters, servers of other protocols, schedulers, supervisors, extensions in other languages."""

from program import CHECKED, CHECKED_ALONE, RATE, RATE_ALONE, UNCHAINED, WEB, Error, Program

from programs.loggers import formatter, handled, logged
from programs.retellers import ASKED, LOOP, THRICE, asked
from programs.retellers import HEAD as CALLED

RUNNING = " [while running 'Map(%s)']"
BEAMED = (
    Error(RATE.type, RATE.message + RUNNING % "show_rate", 2, RATE.place, ("ValueError: not a rate: four",)),
    Error(
        CHECKED.type,
        CHECKED.message + RUNNING % "show_checked",
        1,
        CHECKED.place,
        ("LookupError: no rate for mint", "ValueError: not a rate: four"),
    ),
)
EXTENSION = "Handler <function setup.<locals>.<lambda> at 0x7f0000000000> for event 'builder-inited' threw an exception (exception: %s)"
EXTENDED = (
    Error("sphinx.errors.ExtensionError", EXTENSION % RATE.message, 2, "", ("ValueError: not a rate: four",)),
    Error(
        "sphinx.errors.ExtensionError",
        EXTENSION % CHECKED.message,
        1,
        "",
        ("LookupError: no rate for mint", "ValueError: not a rate: four"),
    ),
)
SHORTENED = tuple(Error(one.type, one.message, one.count, "") for one in EXTENDED)
REFUSED = Error(
    "urllib3.exceptions.MaxRetryError",
    "HTTPConnectionPool(host='127.0.0.1', port=9): Max retries exceeded with url: /api/1/envelope/ (Caused by NewConnectionError(\"HTTPConnection(host='127.0.0.1', port=9): Failed to establish a new connection: [Errno 111] Connection refused\"))",
    8,
    "",
    (
        "urllib3.exceptions.NewConnectionError: HTTPConnection(host='127.0.0.1', port=9): Failed to establish a new connection: [Errno 111] Connection refused",
        "ConnectionRefusedError: [Errno 111] Connection refused",
    ),
)

OTEL_LOGS = """\
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import ConsoleLogExporter, SimpleLogRecordProcessor

provider = LoggerProvider()
provider.add_log_record_processor(SimpleLogRecordProcessor(ConsoleLogExporter()))
logging.basicConfig(level=logging.INFO, handlers=[LoggingHandler(logger_provider=provider)])
"""
OTEL_SPANS = (
    CALLED
    + """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
tracer = provider.get_tracer("kiosk")
for show in (show_rate, show_rate, show_checked):
    try:
        with tracer.start_as_current_span("page"):
            show(ITEM)
    except Exception:
        pass
"""
)
SENTRY = (
    CALLED
    + """
import sentry_sdk

sentry_sdk.init(dsn="http://kiosk-secret-dsn@127.0.0.1:9/1", debug=True, shutdown_timeout=1)
logging.basicConfig(level=logging.INFO)
log = logging.getLogger("kiosk")
"""
    + LOOP
)
GRPC = (
    CALLED
    + """
from concurrent import futures

import grpc

logging.basicConfig(level=logging.INFO)
identity = lambda data: data


def handler(show):
    return grpc.unary_unary_rpc_method_handler(lambda request, context: show(ITEM), identity, identity)


server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
    "Kiosk", {"Rate": handler(show_rate), "Checked": handler(show_checked)}),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    for page in ("Rate", "Rate", "Checked"):
        try:
            channel.unary_unary("/Kiosk/" + page, identity, identity)(b"x")
        except grpc.RpcError:
            pass
server.stop(None)
"""
)
RPYC = (
    CALLED
    + """
import threading
import time

import rpyc
from rpyc.utils.server import ThreadedServer

logging.basicConfig(level=logging.INFO)


class Kiosk(rpyc.Service):
    def exposed_show(self, page):
        return SHOWS[page](ITEM)


server = ThreadedServer(Kiosk, hostname="127.0.0.1", port=0)
threading.Thread(target=server.start, daemon=True).start()
time.sleep(1)
connection = rpyc.connect("127.0.0.1", server.port)
logging.disable(logging.CRITICAL)
try:
    connection.root.show(sys.argv[1])
finally:
    server.close()
"""
)
WEBSOCKETS = (
    CALLED
    + """
import asyncio

import websockets

logging.basicConfig(level=logging.INFO)


async def answer(connection):
    show = SHOWS[await connection.recv()]
    await connection.send(show(ITEM))


async def main():
    async with websockets.serve(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for page in ("rate", "rate", "checked"):
            async with websockets.connect(f"ws://127.0.0.1:{port}") as client:
                await client.send(page)
                try:
                    await client.recv()
                except websockets.ConnectionClosed:
                    pass


asyncio.run(main())
"""
)
SMTP = (
    CALLED
    + """
import smtplib

from aiosmtpd.controller import Controller

logging.basicConfig(level=logging.INFO)


class Kiosk:
    async def handle_DATA(self, server, session, envelope):
        return SHOWS[envelope.rcpt_tos[0].split("@")[0]](ITEM)


controller = Controller(Kiosk(), hostname="127.0.0.1", port=int(os.environ["PORT"]))
controller.start()
for page in ("rate", "rate", "checked"):
    with smtplib.SMTP("127.0.0.1", controller.port) as client:
        try:
            client.sendmail("a@example.org", [page + "@example.org"], "x")
        except smtplib.SMTPException:
            pass
controller.stop()
"""
)
SCHEDULER = (
    CALLED
    + """
import time

from apscheduler.schedulers.background import BackgroundScheduler

logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s")
scheduler = BackgroundScheduler()
for number, show in enumerate((show_rate, show_rate, show_checked)):
    scheduler.add_job(show, args=[ITEM], id=str(number))
scheduler.start()
time.sleep(2)
scheduler.shutdown()
"""
)
BEAM = (
    CALLED
    + """
import apache_beam as beam

with beam.Pipeline(runner="DirectRunner") as pipeline:
    pipeline | beam.Create([ITEM]) | beam.Map(SHOWS[sys.argv[1]])
"""
)
TRIO = (
    CALLED
    + """
import trio


async def one():
    SHOWS[sys.argv[1]](ITEM)


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one)


trio.run(main)
"""
)
GREENLET = (
    CALLED
    + """
import gevent

for show in (show_rate, show_rate, show_checked):
    gevent.spawn(show, ITEM).join()
"""
)
EVENTLET = (
    CALLED
    + """
import eventlet
from eventlet import wsgi


def application(environ, start_response):
    show = {"/rate": show_rate, "/checked": show_checked}.get(environ["PATH_INFO"], lambda request: "open")
    body = show({"item": "mint"}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


wsgi.server(eventlet.listen(("127.0.0.1", int(os.environ["PORT"]))), application)
"""
)
MITM = """\
import sys

sys.path.insert(0, "/srv/kiosk")
from kiosk.web import show_checked, show_rate
from mitmproxy import http


def request(flow):
    show = {"/rate": show_rate, "/checked": show_checked}.get(flow.request.path.split("?")[0], lambda request: "open")
    flow.response = http.Response.make(200, show({"item": "mint"}))
"""
SPHINX_CONF = """\
import sys

from kiosk.web import show_checked, show_rate

project = "kiosk"


def setup(app):
    app.connect("builder-inited", lambda app: {"rate": show_rate, "checked": show_checked}[app.config.page]({"item": "mint"}))
    app.add_config_value("page", "rate", "env")
"""
SERVED = (
    "import os\n\nos.environ.setdefault('PAGES', 'rate rate checked')\n"
    + CALLED
    + """
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("kiosk")
"""
    + LOOP
)
PYBIND = """\
#include <pybind11/embed.h>
#include <iostream>
namespace py = pybind11;
PYBIND11_MODULE(kiosk_native, m) {
    m.def("guarded", [](py::object f, py::object item) {
        try { f(item); } catch (py::error_already_set &e) { std::cerr << "native: " << e.what() << std::endl; }
    });
}
"""
PYBIND_DRIVER = (
    CALLED
    + """
import kiosk_native

for show in (show_rate, show_rate, show_checked):
    kiosk_native.guarded(show, ITEM)
"""
)
PYBIND_RAISED = (
    CALLED
    + """
import kiosk_native

kiosk_native.guarded(SHOWS[sys.argv[1]], ITEM)
"""
)
BUILD = (
    "g++ -O0 -shared -fPIC -std=c++17 $({bin}/python -m pybind11 --includes) native.cc "
    "-o kiosk_native$({bin}/python -c 'import sysconfig; print(sysconfig.get_config_var(\"EXT_SUFFIX\"))') && "
)
NODE = """\
const { PythonShell } = require('python-shell');
const pages = ['rate', 'rate', 'checked'];
(async () => {
  for (const page of pages) {
    try { await PythonShell.run('shown.py', { args: [page], pythonPath: process.argv[2] }); }
    catch (error) { console.error(error); }
  }
})();
"""
NODE_LOGGED = NODE.replace("console.error(error)", "console.error(error.stack)")
MINIMAL = (
    CALLED
    + """
from IPython.core import ultratb

sys.excepthook = ultratb.FormattedTB(mode="Minimal", theme_name="nocolor")
"""
    + ASKED
)
POWERTOOLS = "from aws_lambda_powertools import Logger\n\nlog = Logger(service='kiosk')\nlog.info('opening')\n"

PROGRAMS = (
    handled(
        "opentelemetry-logs",
        "opentelemetry-sdk",
        "a JSON object over several lines, with `exception.stacktrace`",
        OTEL_LOGS,
        "opentelemetry",
    ),
    Program(
        "opentelemetry-spans",
        "opentelemetry",
        ("opentelemetry-sdk",),
        "a span as JSON, the exception an event of it",
        OTEL_SPANS,
    ),
    Program(
        "sentry-debug",
        "sentry",
        ("sentry-sdk",),
        "its own lines, then the program's",
        SENTRY,
        errors=(RATE, CHECKED, REFUSED),
    ),
    handled(
        "google-cloud-logging",
        "google-cloud-logging",
        "JSON with the traceback in `message`",
        "import google.cloud.logging_v2.handlers as handlers\n\nlogging.basicConfig(level=logging.INFO, handlers=[handlers.StructuredLogHandler()])\n",
        "formatters",
    ),
    logged(
        "lambda-powertools",
        "aws-lambda-powertools",
        "JSON with `exception`, `exception_name`, `stack_trace`",
        POWERTOOLS,
        "serve(log.exception)",
        "formatters",
    ),
    handled(
        "json-log-formatter",
        "JSON-log-formatter",
        "JSON with `exc_info`",
        formatter("import json_log_formatter", "json_log_formatter.VerboseJSONFormatter()"),
        "formatters",
    ),
    handled(
        "logstash-formatter",
        "logstash-formatter",
        "JSON with `@fields.exc_info`",
        formatter("from logstash_formatter import LogstashFormatterV1", "LogstashFormatterV1()"),
        "formatters",
    ),
    logged(
        "picologging",
        "picologging",
        "time, level, logger, then a traceback",
        "import picologging\n\npicologging.basicConfig(level=picologging.INFO, format='%(asctime)s %(levelname)s %(name)s %(message)s')\n",
        "serve(picologging.getLogger('kiosk').exception)",
        "formatters",
    ),
    logged(
        "logzero",
        "logzero",
        "letter, time, place in brackets, then a traceback",
        "from logzero import logger\n",
        "serve(logger.exception)",
        "formatters",
    ),
    logged(
        "daiquiri",
        "daiquiri",
        "time, process, level, logger, then a traceback",
        "import daiquiri\n\ndaiquiri.setup(level=logging.INFO)\n",
        "serve(daiquiri.getLogger('kiosk').exception)",
        "formatters",
    ),
    logged(
        "absl",
        "absl-py",
        "letter, day, time, process, place, then a traceback",
        "from absl import logging as absl_logging\n\nabsl_logging.use_absl_handler()\n",
        "serve(absl_logging.exception)",
        "formatters",
    ),
    handled(
        "logfmt-structlog",
        "structlog",
        "logfmt with the traceback in `exception`",
        "import structlog\n\nhandler = logging.StreamHandler()\nhandler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.LogfmtRenderer()], foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder()]))\nlogging.basicConfig(level=logging.INFO, handlers=[handler])\n",
        "formatters",
    ),
    Program("grpc", "rpc", ("grpcio",), "`Exception calling application`, then a traceback", GRPC),
    asked("rpyc", "rpc", "rpyc", "the server's traceback and the client's, with the remote one in it", RPYC),
    Program("websockets", "rpc", ("websockets",), "`connection handler failed`, then a traceback", WEBSOCKETS),
    Program("aiosmtpd", "rpc", ("aiosmtpd",), "the peer, `SMTP session exception`, then a traceback", SMTP),
    Program(
        "apscheduler-background",
        "schedulers",
        ("APScheduler",),
        "`Job … raised an exception`, then a traceback",
        SCHEDULER,
    ),
    Program(
        "apache-beam",
        "beam",
        ("apache-beam",),
        "a traceback, then the same with `[while running …]`",
        BEAM,
        THRICE,
        errors=BEAMED,
    ),
    asked("trio", "concurrency", "trio", "an exception group's tree", TRIO),
    Program("gevent-greenlet", "concurrency", ("gevent",), "a traceback, then `<Greenlet …> failed with`", GREENLET),
    Program("eventlet", "concurrency", ("eventlet",), "bare tracebacks and access lines", EVENTLET, requests=WEB),
    Program(
        "mitmproxy",
        "mitmproxy",
        ("mitmproxy",),
        "`Addon error`, then a traceback",
        MITM,
        "{bin}/python -m http.server 18124 --bind 127.0.0.1 >/dev/null 2>&1 & {bin}/mitmdump -p {port} --mode reverse:http://127.0.0.1:18124 --set connection_strategy=lazy -s {driver}",
        requests=WEB,
    ),
    Program(
        "sphinx",
        "sphinx",
        ("Sphinx",),
        "its closing lines, versions, and the traceback of an extension",
        "",
        "for page in rate rate checked; do {bin}/python -m sphinx -q -D page=$page -b html . out; done",
        files={"conf.py": SPHINX_CONF, "index.rst": "Kiosk\n=====\n"},
        errors=SHORTENED,
        leaves_out="the cause, and all frames but the last",
    ),
    Program(
        "sphinx-T",
        "sphinx",
        ("Sphinx",),
        "the traceback, then its closing lines",
        "",
        "for page in rate rate checked; do {bin}/python -m sphinx -q -T -D page=$page -b html . out; done",
        files={"conf.py": SPHINX_CONF, "index.rst": "Kiosk\n=====\n"},
        errors=EXTENDED,
    ),
    Program(
        "honcho",
        "circus",
        ("honcho",),
        "time and process in front of each line",
        SERVED,
        "{bin}/honcho start",
        files={"Procfile": "web: python drivers/kiosk_honcho.py\nworker: sleep 2\n"},
    ),
    Program(
        "circus",
        "circus",
        ("circus",),
        "time and process in front of what it was told",
        SERVED,
        "timeout 6 {bin}/circusd circus.ini",
        files={
            "circus.ini": "[circus]\ncheck_delay = 5\nendpoint = ipc:///tmp/kiosk-circus-a\npubsub_endpoint = ipc:///tmp/kiosk-circus-b\n\n[watcher:web]\ncmd = python drivers/kiosk_circus.py\nsingleton = true\nrespawn = false\nstderr_stream.class = FancyStdoutStream\nstderr_stream.color = green\ncopy_env = true\n"
        },
    ),
    Program(
        "pybind11",
        "pybind11",
        ("pybind11",),
        "type and message, then `At:` and places, the innermost first",
        PYBIND_DRIVER,
        BUILD + "{bin}/python {driver}",
        files={"native.cc": PYBIND},
        errors=(RATE, UNCHAINED),
        leaves_out="the cause",
    ),
    Program(
        "ipython-minimal",
        "ipython",
        ("ipython",),
        "type and message alone",
        MINIMAL,
        THRICE,
        errors=(RATE_ALONE, CHECKED_ALONE),
        leaves_out="frames and cause",
    ),
    Program(
        "python-shell",
        "rpc",
        (),
        "the error of node with Python's traceback twice",
        "",
        "NODE_PATH={bin}/../node_modules node run.js {bin}/python",
        files={"run.js": NODE, "shown.py": CALLED + ASKED, "package.json": "{}"},
    ),
    Program(
        "python-shell-stack",
        "rpc",
        (),
        "the stack of node with Python's traceback",
        "",
        "NODE_PATH={bin}/../node_modules node run.js {bin}/python",
        files={"run.js": NODE_LOGGED, "shown.py": CALLED + ASKED, "package.json": "{}"},
    ),
)
