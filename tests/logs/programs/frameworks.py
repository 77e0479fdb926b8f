"""Web frameworks, each with its own server or under one of the usual ones."""

from dataclasses import replace

from program import CHECKED, RATE, UNCHAINED, WEB, Program

HEAD = 'import os\n\nfrom kiosk.web import show_checked, show_rate\n\nITEM = {"item": "mint"}\nport = int(os.environ["PORT"])\n'

FLASK = (
    HEAD
    + """
from flask import Flask

site = Flask("kiosk")


@site.get("/rate")
def rate():
    return show_rate(ITEM)


@site.get("/checked")
def checked():
    return show_checked(ITEM)


site.run(port=port)
"""
)
DJANGO = (
    HEAD
    + """
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path


def rate(request):
    return HttpResponse(show_rate(ITEM))


def checked(request):
    return HttpResponse(show_checked(ITEM))


settings.configure(DEBUG=False, SECRET_KEY="kiosk-secret-key", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, LOGGING_CONFIG=None,
                   DATABASES={})
urlpatterns = [path("rate", rate), path("checked", checked)]
sys.modules["urls"] = sys.modules[__name__]

if __name__ == "__main__":
    import logging

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    execute_from_command_line(["manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"])
"""
)
BOTTLE = (
    HEAD
    + """
import bottle


@bottle.get("/rate")
def rate():
    return show_rate(ITEM)


@bottle.get("/checked")
def checked():
    return show_checked(ITEM)


bottle.run(port=port)
"""
)
PYRAMID = (
    HEAD
    + """
from pyramid.config import Configurator
from pyramid.response import Response
from waitress import serve

with Configurator() as config:
    config.add_route("rate", "/rate")
    config.add_route("checked", "/checked")
    config.add_view(lambda request: Response(show_rate(ITEM)), route_name="rate")
    config.add_view(lambda request: Response(show_checked(ITEM)), route_name="checked")
    site = config.make_wsgi_app()
serve(site, host="127.0.0.1", port=port)
"""
)
CHERRYPY = (
    HEAD
    + """
import cherrypy


class Site:
    @cherrypy.expose
    def rate(self, **query):
        return show_rate(ITEM)

    @cherrypy.expose
    def checked(self, **query):
        return show_checked(ITEM)


cherrypy.config.update({"server.socket_port": port, "server.socket_host": "127.0.0.1", "engine.autoreload.on": False})
cherrypy.quickstart(Site())
"""
)
FALCON = (
    HEAD
    + """
from wsgiref.simple_server import make_server

import falcon


class Rate:
    def on_get(self, request, response):
        response.text = show_rate(ITEM)


class Checked:
    def on_get(self, request, response):
        response.text = show_checked(ITEM)


site = falcon.App()
site.add_route("/rate", Rate())
site.add_route("/checked", Checked())
make_server("127.0.0.1", port, site).serve_forever()
"""
)
FASTAPI = (
    HEAD
    + """
import uvicorn
from fastapi import FastAPI

site = FastAPI()


@site.get("/rate")
def rate():
    return show_rate(ITEM)


@site.get("/checked")
async def checked():
    return show_checked(ITEM)


uvicorn.run(site, port=port)
"""
)
LITESTAR = (
    HEAD
    + """
import uvicorn
from litestar import Litestar, get
from litestar.logging import LoggingConfig


@get("/rate", sync_to_thread=False)
def rate() -> str:
    return show_rate(ITEM)


@get("/checked")
async def checked() -> str:
    return show_checked(ITEM)


uvicorn.run(Litestar([rate, checked], logging_config=LoggingConfig(log_exceptions="always")), port=port)
"""
)
QUART = (
    HEAD
    + """
from quart import Quart

site = Quart("kiosk")


@site.get("/rate")
async def rate():
    return show_rate(ITEM)


@site.get("/checked")
async def checked():
    return show_checked(ITEM)


site.run(port=port)
"""
)
TORNADO = (
    HEAD
    + """
import asyncio

import tornado.web


class Rate(tornado.web.RequestHandler):
    def get(self):
        self.write(show_rate(ITEM))


class Checked(tornado.web.RequestHandler):
    async def get(self):
        self.write(show_checked(ITEM))


async def main():
    tornado.web.Application([("/rate", Rate), ("/checked", Checked)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


import tornado.log

tornado.log.enable_pretty_logging()
asyncio.run(main())
"""
)
AIOHTTP = (
    HEAD
    + """
import logging

from aiohttp import web

logging.basicConfig(level=logging.INFO)


async def rate(request):
    return web.Response(text=show_rate(ITEM))


async def checked(request):
    return web.Response(text=show_checked(ITEM))


site = web.Application()
site.add_routes([web.get("/rate", rate), web.get("/checked", checked)])
web.run_app(site, host="127.0.0.1", port=port)
"""
)
SANIC = (
    HEAD
    + """
from sanic import Sanic
from sanic.response import text

site = Sanic("kiosk")


@site.get("/rate")
async def rate(request):
    return text(show_rate(ITEM))


@site.get("/checked")
async def checked(request):
    return text(show_checked(ITEM))


if __name__ == "__main__":
    site.run(host="127.0.0.1", port=port, single_process=True, access_log=True)
"""
)
TWISTED = (
    HEAD
    + """
import sys

from twisted.internet import reactor
from twisted.python import log
from twisted.web import resource, server


class Page(resource.Resource):
    isLeaf = True

    def __init__(self, show):
        super().__init__()
        self.show = show

    def render_GET(self, request):
        return self.show(ITEM).encode()


root = resource.Resource()
root.putChild(b"rate", Page(show_rate))
root.putChild(b"checked", Page(show_checked))
log.startLogging(sys.stdout)
reactor.listenTCP(port, server.Site(root), interface="127.0.0.1")
reactor.run()
"""
)
KLEIN = (
    HEAD
    + """
from klein import Klein

site = Klein()


@site.route("/rate")
def rate(request):
    return show_rate(ITEM)


@site.route("/checked")
def checked(request):
    return show_checked(ITEM)


site.run("127.0.0.1", port)
"""
)
FUNCTION = """\
from kiosk.web import show_checked, show_rate


def page(request):
    return {"/rate": show_rate, "/checked": show_checked}.get(request.path, lambda item: "open")({"item": "mint"})
"""
DASH = (
    HEAD
    + """
import dash
from dash import html

site = dash.Dash("kiosk")
site.layout = html.Div()


@site.server.get("/rate")
def rate():
    return show_rate(ITEM)


@site.server.get("/checked")
def checked():
    return show_checked(ITEM)


site.run(port=port)
"""
)
GRADIO = (
    HEAD
    + """
import threading

import gradio
from gradio_client import Client

with gradio.Blocks() as site:
    text = gradio.Textbox()
    gradio.Button().click(lambda: show_rate(ITEM), None, text, api_name="rate")
    gradio.Button().click(lambda: show_checked(ITEM), None, text, api_name="checked")
site.launch(server_port=port, prevent_thread_lock=True, quiet=True)
client = Client(f"http://127.0.0.1:{port}", verbose=False)
for name in ("/rate", "/rate", "/checked"):
    try:
        client.predict(api_name=name)
    except Exception:
        pass
"""
)


#: Pyramid looks for a page of its own kind first; that attempt is what the failure came after.
ROUTED = (replace(RATE, chain=("pyramid.httpexceptions.HTTPNotFound: The resource could not be found.",)), CHECKED)


def own(name: str, package: str, form: str, driver: str, venv: str, **others) -> Program:
    """A framework whose driver starts the server."""
    return Program(name, venv, (package,), form, driver, requests=others.pop("requests", WEB), **others)


PROGRAMS = (
    own("flask", "Flask", "time, `ERROR in app`, then a traceback", FLASK, "wsgi"),
    own("django", "Django", "a record of one's own format, then a traceback", DJANGO, "django"),
    own("bottle", "bottle", "bare tracebacks and access lines", BOTTLE, "wsgi"),
    own("pyramid", "pyramid", "waitress's lines, then a traceback", PYRAMID, "wsgi", errors=ROUTED),
    own("cherrypy", "CherryPy", "time, `HTTP`, a traceback; then the request's headers", CHERRYPY, "wsgi"),
    own("falcon", "falcon", "time, `[FALCON]`, then a traceback", FALCON, "wsgi"),
    own("fastapi", "fastapi", "uvicorn's lines, then a traceback", FASTAPI, "asgi"),
    own("litestar", "litestar", "a record, then a traceback", LITESTAR, "asgi"),
    own("quart", "Quart", "a record, then a traceback", QUART, "asgi"),
    own("tornado", "tornado", "letter, date and time, the request, then a traceback", TORNADO, "tornado"),
    own("aiohttp", "aiohttp", "logging's default, then a traceback", AIOHTTP, "aiohttp"),
    own("sanic", "sanic", "a layout of its own", SANIC, "sanic"),
    own(
        "twisted-web",
        "Twisted",
        "time, `[-]`, then an indented traceback",
        TWISTED,
        "twisted",
        errors=(RATE, UNCHAINED),
        leaves_out="the cause",
    ),
    own(
        "klein",
        "klein",
        "time, `[-]`, then an indented traceback",
        KLEIN,
        "twisted",
        errors=(RATE, UNCHAINED),
        leaves_out="the cause",
    ),
    Program(
        "functions-framework",
        "gfunc",
        ("functions-framework",),
        "Flask's records",
        FUNCTION,
        "{bin}/functions-framework --target page --source {driver} --host 127.0.0.1 --port {port}",
        WEB,
    ),
    own("dash", "dash", "Flask's records", DASH, "dash"),
    own("gradio", "gradio", "bare tracebacks", GRADIO, "gradio", requests=(), seconds=90),
)
