"""Graphs of queries, sockets, tools of language models, dashboards, tasks and pipelines."""

from dataclasses import replace

from program import CHECKED, CHECKED_ALONE, RATE, RATE_ALONE, WEB, Error, Program

from programs.frameworks import HEAD as SERVED
from programs.retellers import HEAD as CALLED
from programs.retellers import THRICE, asked

SCHEMA = (
    SERVED
    + """
import asyncio
import logging

import strawberry

logging.basicConfig(level=logging.INFO)


@strawberry.type
class Query:
    @strawberry.field
    def rate(self) -> str:
        password = "kiosk-secret-local"
        return show_rate(ITEM)

    @strawberry.field
    def checked(self) -> str:
        return show_checked(ITEM)


schema = strawberry.Schema(Query)
for page in ("rate", "rate", "checked"):
    asyncio.run(schema.execute("{ %s }" % page))
"""
)
ARIADNE = (
    SERVED
    + """
import asyncio
import logging

import ariadne

logging.basicConfig(level=logging.INFO)
query = ariadne.QueryType()


@query.field("rate")
def rate(*_):
    password = "kiosk-secret-local"
    return show_rate(ITEM)


@query.field("checked")
def checked(*_):
    return show_checked(ITEM)


schema = ariadne.make_executable_schema("type Query { rate: String checked: String }", query)
for page in ("rate", "rate", "checked"):
    asyncio.run(ariadne.graphql(schema, {"query": "{ %s }" % page}))
"""
)
SOCKET = """\
import asyncio
import logging
import os

import socketio
import uvicorn

from kiosk.web import show_checked, show_rate

logging.basicConfig(level=logging.INFO)
server = socketio.AsyncServer(async_mode="asgi", logger=True)
SHOWS = {"rate": show_rate, "checked": show_checked}


@server.on("page")
async def page(sid, name):
    return SHOWS[name]({"item": "mint"})


async def main():
    port = int(os.environ["PORT"])
    serving = uvicorn.Server(uvicorn.Config(socketio.ASGIApp(server), port=port))
    task = asyncio.create_task(serving.serve())
    while not serving.started:
        await asyncio.sleep(0.1)
    client = socketio.AsyncClient()
    await client.connect(f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer kiosk-secret-token"})
    for name in ("rate", "rate", "checked"):
        await client.emit("page", name)
        await asyncio.sleep(0.3)
    await client.disconnect()
    serving.should_exit = True
    await task


asyncio.run(main())
"""
TOOLS = """\
import asyncio

from fastmcp import Client, FastMCP

from kiosk.web import show_checked, show_rate

server = FastMCP("kiosk")


@server.tool
def rate(item: str) -> str:
    return show_rate({"item": item})


@server.tool
def checked(item: str) -> str:
    return show_checked({"item": item})


async def main():
    async with Client(server) as client:
        for name in ("rate", "rate", "checked"):
            try:
                await client.call_tool(name, {"item": "mint"})
            except Exception:
                pass


asyncio.run(main())
"""
MICRODOT = (
    SERVED
    + """
from microdot import Microdot

site = Microdot()


@site.get("/rate")
def rate(request):
    return show_rate(ITEM)


@site.get("/checked")
def checked(request):
    return show_checked(ITEM)


site.run(port=port, debug=True)
"""
)
PANEL = """\
import os

import panel as pn

from kiosk.web import show_checked, show_rate

ITEM = {"item": "mint"}
pn.serve(
    {"rate": lambda: show_rate(ITEM), "checked": lambda: show_checked(ITEM)},
    port=int(os.environ["PORT"]),
    show=False,
)
"""
HAMILTON = (
    CALLED
    + """
from hamilton import ad_hoc_utils, driver


def page(name: str) -> str:
    password = "kiosk-secret-local"
    return SHOWS[name](ITEM)


module = ad_hoc_utils.create_temporary_module(page, module_name="pages")
driver.Builder().with_modules(module).build().execute(["page"], inputs={"name": sys.argv[1]})
"""
)
DODO = """\
from kiosk.web import show_checked, show_rate

ITEM = {"item": "mint"}


def rate():
    show_rate(ITEM)


def checked():
    show_checked(ITEM)


def task_rate():
    return {"actions": [rate]}


def task_checked():
    return {"actions": [checked]}
"""
STEPS = "steps:\n  - name: pypyr.steps.py\n    in:\n      py: |\n        from kiosk.web import show_%s\n        show_%s({'item': 'mint'})\n"
HYDRA = (
    CALLED.replace("import sys\n", "import sys\n\nimport hydra\n")
    + """

@hydra.main(version_base=None, config_path=None)
def main(settings):
    password = "kiosk-secret-local"
    SHOWS[settings.page](ITEM)


main()
"""
)
CRON = (
    CALLED
    + """
import asyncio

import aiocron

logging.basicConfig(level=logging.INFO)
pages = iter(("rate", "rate", "checked"))


async def page():
    SHOWS[next(pages)](ITEM)


async def main():
    job = aiocron.crontab("* * * * * */1", func=page, start=True)
    await asyncio.sleep(3.6)


asyncio.run(main())
"""
)
INVOKED = """\
from invoke import task

from kiosk.web import show_checked, show_rate

ITEM = {"item": "mint"}


@task
def rate(context):
    show_rate(ITEM)


@task
def checked(context):
    show_checked(ITEM)
"""
GRAPH = (
    CALLED
    + """
from typing import TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    text: str


def page(state):
    password = "kiosk-secret-local"
    return {"text": SHOWS[sys.argv[1]](ITEM)}


graph = StateGraph(State)
graph.add_node("page", page)
graph.add_edge(START, "page")
graph.add_edge("page", END)
graph.compile().invoke({"text": ""})
"""
)

GRAPHQL = "graphql.error.graphql_error.GraphQLError"
#: What was raised is raised again, with its place in the query.
LOCATED = (
    Error(GRAPHQL, RATE.message, 2, RATE.place, ("ValueError: not a rate: four",)),
    Error(GRAPHQL, CHECKED.message, 1, CHECKED.place, ("LookupError: no rate for mint", *CHECKED.chain)),
)
#: A node's failure is logged, and then ends the program.
TWICE = (replace(RATE, count=4), replace(CHECKED, count=2))
SAID = (
    Error("", "pypyr.dsl:run_conditional_decorators: Error while running step pypyr.steps.py at pipeline yaml line: 2, col: 5", 3, ""),
    Error("", "pypyr.stepsrunner:run_step_groups: Something went wrong. Will now try to run on_failure.", 3, ""),
)

PROGRAMS = (
    Program("strawberry", "apis", ("strawberry-graphql",), "the query and where in it, then a traceback", SCHEMA),
    Program("ariadne", "apis", ("ariadne",), "the query's error, then a traceback", ARIADNE, errors=LOCATED),
    Program("python-socketio", "apis", ("python-socketio",), "a task's exception, then a traceback", SOCKET),
    Program("fastmcp", "apis", ("fastmcp",), "columns of rich, then a traceback or its box", TOOLS),
    Program("microdot", "apis", ("microdot",), "bare tracebacks and access lines", MICRODOT, requests=WEB),
    Program("panel", "apis", ("panel",), "bokeh's records, then a traceback", PANEL, requests=WEB, linger=4.0),
    Program("hamilton", "pipelines", ("sf-hamilton",), "a banner around the node's name, then a traceback, twice", HAMILTON, THRICE, errors=TWICE),
    Program("doit", "pipelines", ("doit",), "`PythonAction Error`, then a traceback", "", "for page in rate rate checked; do {bin}/doit $page; done", files={"dodo.py": DODO}),
    Program("pypyr", "pipelines", ("pypyr",), "the step as a record, then type and message alone", "", "for page in rate rate checked; do {bin}/pypyr $page --log 10; done", files={"rate.yaml": STEPS % ("rate", "rate"), "checked.yaml": STEPS % ("checked", "checked")}, errors=(*SAID, RATE_ALONE, CHECKED_ALONE), leaves_out="frames and cause"),
    Program("hydra", "pipelines", ("hydra-core",), "`Error executing job`, then a traceback", HYDRA, "for page in rate rate checked; do {bin}/python {driver} +page=$page hydra.run.dir=.; done"),
    Program("aiocron", "pipelines", ("aiocron",), "asyncio's records, then a traceback", CRON),
    Program("invoke", "pipelines", ("invoke",), "a traceback", "", "for page in rate rate checked; do {bin}/invoke $page; done", files={"tasks.py": INVOKED}),
    asked("langgraph", "pipelines", "langgraph", "a traceback with a note of the task", GRAPH),
)
