"""Command lines, chats, pages, task queues, and programs in other languages that hold an interpreter."""

from program import CHECKED, RATE_ALONE, WEB, Program

from programs.loggers import formatter, handled
from programs.retellers import ASKED, THRICE, asked
from programs.retellers import HEAD as CALLED

TYPER = (
    CALLED
    + """
import typer

app = typer.Typer()


@app.command()
def main(page: str):
    password = "kiosk-secret-local"
    SHOWS[page](ITEM)


app()
"""
)
TELEGRAM = (
    CALLED
    + """
import asyncio

from telegram import Update
from telegram.ext import ApplicationBuilder, TypeHandler

logging.basicConfig(level=logging.INFO, format="%(asctime)s - %(name)s - %(levelname)s - %(message)s")
pages = iter(("rate", "rate", "checked"))


async def answer(update, context):
    SHOWS[next(pages)](ITEM)


async def main():
    application = ApplicationBuilder().token("1:kiosk-secret-token").updater(None).build()
    application._initialized = True
    application.add_handler(TypeHandler(Update, answer))
    for number in range(3):
        await application.process_update(Update(number))


asyncio.run(main())
"""
)
DISCORD = (
    CALLED
    + """
import asyncio

import discord

discord.utils.setup_logging()
client = discord.Client(intents=discord.Intents.none())


@client.event
async def on_message(page):
    SHOWS[page](ITEM)


async def main():
    for page in ("rate", "rate", "checked"):
        await client._run_event(client.on_message, "on_message", page)


asyncio.run(main())
"""
)
AIOGRAM = (
    CALLED
    + """
import asyncio

from aiogram import Bot, Dispatcher
from aiogram.types import Update

logging.basicConfig(level=logging.INFO)
dispatcher = Dispatcher()


@dispatcher.message()
async def answer(message):
    SHOWS[message.text](ITEM)


async def main():
    bot = Bot("1:kiosk-secret-token")
    for number, page in enumerate(("rate", "rate", "checked")):
        message = {"message_id": number, "date": 0, "chat": {"id": 1, "type": "private"}, "text": page}
        await dispatcher._process_update(bot, Update.model_validate({"update_id": number, "message": message}))


asyncio.run(main())
"""
)
Q_SETTINGS = """\
SECRET_KEY = "kiosk-secret-key"
INSTALLED_APPS = ["django_q"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "kiosk.sqlite"}}
Q_CLUSTER = {"name": "kiosk", "workers": 1, "orm": "default", "timeout": 30, "retry": 60, "max_attempts": 1, "poll": 0.2}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
"""
Q_DRIVER = """\
import django

django.setup()
from django_q.tasks import async_task

for page in ("rate", "rate", "checked"):
    async_task("kiosk.web.show_" + page, {"item": "mint"})
"""
CONNEXION = """\
import connexion

from kiosk.web import show_checked, show_rate


def rate():
    return show_rate({"item": "mint"})


def checked():
    return show_checked({"item": "mint"})


application = connexion.AsyncApp(__name__)
operation = lambda name: {"get": {"operationId": f"{__name__}.{name}", "responses": {"200": {"description": "."}}}}
application.add_api({"openapi": "3.0.0", "info": {"title": "kiosk", "version": "1"},
    "paths": {"/rate": operation("rate"), "/checked": operation("checked")}})
"""
BOKEH = """\
from bokeh.models import Div
from bokeh.plotting import curdoc

from kiosk.web import show_checked, show_rate

page = curdoc().session_context.request.arguments.get("page", [b"rate"])[0].decode().partition("?")[0]
curdoc().add_root(Div(text={"rate": show_rate, "checked": show_checked}[page]({"item": "mint"})))
"""
TEXTUAL = (
    CALLED
    + """
import asyncio

from textual.app import App


class Kiosk(App):
    def on_mount(self):
        password = "kiosk-secret-local"
        SHOWS[sys.argv[1]](ITEM)


Kiosk().run(headless=True)
"""
)
PYINSTALLER = "{bin}/pyinstaller --log-level ERROR -F --paths $PYTHONPATH --distpath . {driver} >/dev/null 2>&1; for page in rate rate checked; do ./kiosk_pyinstaller $page; done"
SNAKEFILE = """\
rule all:
    input: "rate.txt", "checked.txt"

rule page:
    output: "{page}.txt"
    script: "page.py"
"""
SNAKE_SCRIPT = """\
from kiosk import web

getattr(web, "show_" + snakemake.wildcards.page)({"item": "mint"})
"""
KEDRO = (
    CALLED
    + """
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner

catalog = DataCatalog({"item": MemoryDataset(ITEM)})
page = pipeline([node(SHOWS[sys.argv[1]], "item", "text", name=sys.argv[1])])
SequentialRunner().run(page, catalog)
"""
)
LANGUAGE_SERVER = (
    CALLED
    + """
import asyncio
import io
import threading

from pygls.lsp.server import LanguageServer

logging.basicConfig(level=logging.INFO)
server = LanguageServer("kiosk", "1")


@server.feature("kiosk/page")
def page(params):
    return SHOWS[params.page](ITEM)


def message(text):
    return f"Content-Length: {len(text)}\\r\\n\\r\\n{text}".encode()


lines = b"".join(
    message('{"jsonrpc": "2.0", "id": %d, "method": "kiosk/page", "params": {"page": "%s"}}' % (n, name))
    for n, name in enumerate(("rate", "rate", "checked"))
)
reading, writing = os.pipe()
os.write(writing, lines)
threading.Timer(2, os.close, [writing]).start()
server.start_io(stdin=os.fdopen(reading, "rb"), stdout=io.BytesIO())
"""
)
ZERORPC = (
    CALLED
    + """
import gevent
import zerorpc

logging.basicConfig(level=logging.INFO)


class Kiosk:
    def page(self, name):
        return SHOWS[name](ITEM)


server = zerorpc.Server(Kiosk())
server.bind("inproc://kiosk")
gevent.spawn(server.run)
client = zerorpc.Client()
client.connect("inproc://kiosk")
for name in ("rate", "rate", "checked"):
    try:
        client.page(name)
    except zerorpc.RemoteError:
        pass
"""
)
METAFLOW = (
    CALLED
    + """
from metaflow import FlowSpec, Parameter, step


class Kiosk(FlowSpec):
    page = Parameter("page")

    @step
    def start(self):
        SHOWS[self.page](ITEM)
        self.next(self.end)

    @step
    def end(self):
        pass


Kiosk()
"""
)
THROUGH_JAVA = (
    CALLED
    + """
import jpype
import jpype.imports

jpype.startJVM()


@jpype.JImplements("java.lang.Runnable")
class Page:
    @jpype.JOverride
    def run(self):
        SHOWS[sys.argv[1]](ITEM)


from java.lang import Thread

Thread(Page()).run()
"""
)
GDB = """\
import sys

sys.path[:0] = sys.path[:0]
import os

for folder in reversed(os.environ["PYTHONPATH"].split(":")):
    sys.path.insert(0, folder)
import gdb
from kiosk.web import show_checked, show_rate


class Page(gdb.Command):
    def __init__(self, name, show):
        super().__init__(name, gdb.COMMAND_USER)
        self.show = show

    def invoke(self, argument, tty):
        self.show({"item": "mint"})


gdb.execute("set python print-stack full")
Page("rate", show_rate)
Page("checked", show_checked)
"""
VIM = """\
set nomore
python3 import os, sys; sys.path[:0] = os.environ["PYTHONPATH"].split(":"); from kiosk.web import *
function! Page(name)
  execute 'python3 show_' . a:name . '({"item": "mint"})'
endfunction
silent! call Page("none")
call Page("rate")
call Page("rate")
call Page("checked")
qa!
"""
TBLIB = (
    CALLED
    + """
import multiprocessing

from tblib import pickling_support


def work(_):
    return SHOWS[sys.argv[1]](ITEM)


if __name__ == "__main__":
    pickling_support.install()
    with multiprocessing.Pool(2) as pool:
        pool.map(work, range(2))
"""
)
ANYIO = (
    CALLED
    + """
import anyio


async def one():
    SHOWS[sys.argv[1]](ITEM)


async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(one)


anyio.run(main)
"""
)
BENTO = """\
import bentoml

from kiosk.web import show_checked, show_rate


@bentoml.service
class Kiosk:
    @bentoml.api(route="/rate")
    def rate(self) -> str:
        return show_rate({"item": "mint"})

    @bentoml.api(route="/checked")
    def checked(self) -> str:
        return show_checked({"item": "mint"})
"""
NINJA = """\
from django.conf import settings
from django.urls import path

settings.configure(DEBUG=False, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="kiosk-secret-key", LOGGING={
    "version": 1, "disable_existing_loggers": False, "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"}})
from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
from ninja import NinjaAPI

from kiosk.web import show_checked, show_rate

api = NinjaAPI()


@api.get("/rate")
def rate(request):
    return show_rate({"item": "mint"})


@api.get("/checked")
def checked(request):
    return show_checked({"item": "mint"})


urlpatterns = [path("", api.urls)]
"""
CORRELATED = """\
import logging
import logging.config

from asgi_correlation_id import CorrelationIdMiddleware
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from kiosk.web import show_checked, show_rate

logging.config.dictConfig({
    "version": 1, "disable_existing_loggers": False,
    "filters": {"id": {"()": "asgi_correlation_id.CorrelationIdFilter", "uuid_length": 8}},
    "formatters": {"web": {"format": "%(levelname)s ... [%(correlation_id)s] %(name)s %(message)s"}},
    "handlers": {"web": {"class": "logging.StreamHandler", "filters": ["id"], "formatter": "web"}},
    "loggers": {name: {"handlers": ["web"], "level": "INFO", "propagate": False} for name in ("uvicorn.error", "uvicorn.access")},
})


def answer(show):
    return lambda request: PlainTextResponse(show({"item": "mint"}))


application = Starlette(routes=[Route("/rate", answer(show_rate)), Route("/checked", answer(show_checked))])
application.add_middleware(CorrelationIdMiddleware)
"""
SAQ = """\
from saq import Queue

from kiosk.web import show_checked, show_rate

queue = Queue.from_url("redis://127.0.0.1:6399")


async def rate(ctx):
    show_rate({"item": "mint"})


async def checked(ctx):
    show_checked({"item": "mint"})


async def begin(ctx):
    for page in ("rate", "rate", "checked"):
        await queue.enqueue(page)


settings = {"queue": queue, "functions": [rate, checked], "concurrency": 1, "startup": begin}
"""
STREAM = """\
from faststream import FastStream
from faststream.redis import RedisBroker

from kiosk.web import show_checked, show_rate

broker = RedisBroker("redis://127.0.0.1:6399")
app = FastStream(broker)
SHOWS = {"rate": show_rate, "checked": show_checked}


@broker.subscriber("page")
async def page(name: str):
    SHOWS[name]({"item": "mint"})


@app.after_startup
async def begin():
    for name in ("rate", "rate", "checked"):
        await broker.publish(name, "page")
"""
REDIS = "redis-server --port 6399 --save '' --daemonize yes >/dev/null; "
NO_REDIS = "; redis-cli -p 6399 shutdown nosave"

PROGRAMS = (
    asked("typer", "typer", "typer", "a box of rich's, on the stream of errors", TYPER),
    Program("python-telegram-bot", "chat", ("python-telegram-bot",), "`No error handlers are registered`, then a traceback", TELEGRAM),
    Program("discord.py", "chat", ("discord.py",), "colours, the event, then a traceback", DISCORD),
    Program("aiogram", "chat", ("aiogram",), "the cause in the record, then a traceback", AIOGRAM),
    Program(
        "django-q2",
        "djq",
        ("django-q2",),
        "the task, its message and its traceback in one record",
        Q_DRIVER,
        "{bin}/django-admin migrate >/dev/null; {bin}/python {driver}; timeout 8 {bin}/django-admin qcluster",
        environment={"DJANGO_SETTINGS_MODULE": "settings"},
        files={"settings.py": Q_SETTINGS},
    ),
    handled(
        "graypy",
        "graypy",
        "GELF: JSON with `full_message`",
        "import sys\n\nimport graypy\n\n\nclass Shown(graypy.handler.BaseGELFHandler):\n    def emit(self, record):\n        self.compress = False\n"
        "        sys.stderr.write(self.makePickle(record).decode() + '\\n')\n\n\nlogging.basicConfig(level=logging.INFO, handlers=[Shown()])\n",
        "carriers",
    ),
    handled(
        "python-logstash-async",
        "python-logstash-async",
        "JSON with `extra.stack_trace`",
        formatter("from logstash_async.formatter import LogstashFormatter", "LogstashFormatter()"),
        "carriers",
    ),
    handled(
        "watchtower",
        "watchtower",
        "a message and its traceback in a field",
        formatter("import watchtower", "watchtower.CloudWatchLogFormatter()"),
        "carriers",
    ),
    Program("connexion", "connexion", ("connexion",), "the exception as a record, then a traceback", CONNEXION, "{bin}/uvicorn --app-dir . {module}:application --port {port}", WEB),
    Program("bokeh", "panel", ("bokeh",), "`Error running application handler`, then a traceback", BOKEH, "{bin}/bokeh serve --port {port} {driver}", ("/kiosk_bokeh?page=rate", "/kiosk_bokeh?page=rate", "/kiosk_bokeh?page=checked")),
    asked("textual", "textual", "textual", "a box of rich's with variables", TEXTUAL),
    Program("pyinstaller", "pyinstaller", ("pyinstaller",), "a traceback, then `Failed to execute script`", CALLED + ASKED, PYINSTALLER, seconds=180),
    Program("snakemake", "snakemake", ("snakemake",), "the script's traceback, then what the rule came to", "", "for page in rate rate checked; do {bin}/snakemake --cores 1 $page.txt; done", files={"Snakefile": SNAKEFILE, "page.py": SNAKE_SCRIPT}, seconds=120),
    asked("kedro", "kedro", "kedro", "the node, then a traceback or rich's box", KEDRO),
    Program("pygls", "ftp", ("pygls",), "`Failed to handle request`, then a traceback", LANGUAGE_SERVER),
    Program("zerorpc", "ftp", ("zerorpc",), "an empty record, then a traceback", ZERORPC),
    Program("metaflow", "flyte", ("metaflow",), "time, run, step and process before each line", METAFLOW, "for page in rate rate checked; do {bin}/python {driver} run --page $page; done", environment={"USERNAME": "kiosk"}, seconds=120),
    Program(
        "jpype",
        "jep",
        ("jpype1",),
        "a traceback of the caller alone",
        THROUGH_JAVA,
        THRICE,
        errors=(RATE_ALONE, CHECKED),
        leaves_out="frames behind a call through Java",
    ),
    Program("gdb", "typer", (), "a traceback, then `Error occurred in Python`", GDB, "PYTHONHOME= gdb -batch -x {driver} -ex rate -ex checked; gdb -batch -x {driver} -ex rate", source="gdb 13.1"),
    Program("vim", "typer", (), "the line of the script, then a traceback", "", "vim -es -u NONE -i NONE -V1 -S page.vim </dev/null", files={"page.vim": VIM}, source="Vim 9.0"),
    asked("tblib", "boltons", "tblib", "a pool's remote traceback and the parent's with the same frames", TBLIB),
    asked("anyio", "connexion", "anyio", "an exception group's tree", ANYIO),
    Program("django-ninja", "odd", ("django-ninja",), "the exception, then a traceback", NINJA, "{bin}/uvicorn --interface wsgi --app-dir . {module}:application --port {port}", WEB),
    Program("asgi-correlation-id", "odd", ("asgi-correlation-id",), "records with an identity, then a traceback", CORRELATED, "{bin}/uvicorn --app-dir . {module}:application --port {port}", WEB),
    Program("bentoml", "mlflow", ("bentoml",), "time, level, part, then a traceback", BENTO, "(sleep 10; for page in rate rate checked; do curl -s -XPOST -H 'Authorization: Bearer kiosk-secret-token' -H 'Content-Type: application/json' -d '{}' http://127.0.0.1:{port}/$page >/dev/null; done) & timeout 16 {bin}/bentoml serve {module}:Kiosk --port {port}"),
    Program("saq", "saq", ("saq",), "`Error processing job`, then a traceback", SAQ, REDIS + "timeout 6 {bin}/saq {module}.settings" + NO_REDIS),
    Program("faststream", "saq", ("faststream",), "the channel, the exception, then a traceback", STREAM, REDIS + "timeout 8 {bin}/faststream run {module}:app" + NO_REDIS),
)
