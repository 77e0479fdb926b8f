"""Queues, schedulers and workflows: what their workers log of a task that fails."""

from program import CHECKED, RATE, Error, Program

TASKS = """\
import os
import sys

from kiosk.web import show_checked, show_rate

ITEM = {"item": "mint"}

"""
REDIS = """
import subprocess
import time

port = int(os.environ["PORT"])
redis_server = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--loglevel", "warning"])
time.sleep(1)
"""

CELERY = (
    TASKS
    + """
from celery import Celery

os.makedirs("queue", exist_ok=True)
queue = Celery("kiosk", broker="filesystem://", broker_transport_options={
    "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "queue"})


@queue.task
def rate():
    show_rate(ITEM)


@queue.task
def checked():
    show_checked(ITEM)


def send():
    for task in (rate, rate, checked):
        task.delay()
"""
)
RQ = (
    TASKS
    + REDIS
    + """
from redis import Redis
from rq import Queue, SimpleWorker
from rq.logutils import setup_loghandlers

connection = Redis("127.0.0.1", port)
queue = Queue(connection=connection)
for show in (show_rate, show_rate, show_checked):
    queue.enqueue(show, ITEM)
setup_loghandlers("INFO")
SimpleWorker([queue], connection=connection).work(burst=True)
redis_server.terminate()
"""
)
ARQ = (
    TASKS
    + """
from arq import create_pool, run_worker
from arq.connections import RedisSettings
from arq.logs import default_log_config


async def rate(context):
    show_rate(ITEM)


async def checked(context):
    show_checked(ITEM)


class Worker:
    functions = [rate, checked]
    burst = True
    redis_settings = RedisSettings(host="127.0.0.1", port=int(os.environ["PORT"]))


async def send():
    pool = await create_pool(Worker.redis_settings)
    for name in ("rate", "rate", "checked"):
        await pool.enqueue_job(name)
    await pool.aclose()


if __name__ == "__main__":
    import asyncio
    import logging.config
"""
    + REDIS.replace("\n", "\n    ")
    + """
    asyncio.run(send())
    logging.config.dictConfig(default_log_config(verbose=False))
    asyncio.set_event_loop(asyncio.new_event_loop())
    try:
        run_worker(Worker)
    finally:
        redis_server.terminate()
"""
)
DRAMATIQ = (
    TASKS
    + """
import logging
import time

import dramatiq
from dramatiq.brokers.stub import StubBroker

logging.basicConfig(level=logging.INFO, format="[%(asctime)s] [PID %(process)d] [%(threadName)s] [%(name)s] [%(levelname)s] %(message)s")
broker = StubBroker()
dramatiq.set_broker(broker)


@dramatiq.actor(max_retries=0)
def rate():
    show_rate(ITEM)


@dramatiq.actor(max_retries=0)
def checked():
    show_checked(ITEM)


worker = dramatiq.Worker(broker, worker_threads=1)
for actor in (rate, rate, checked):
    actor.send()
worker.start()
time.sleep(2)
worker.stop()
"""
)
HUEY = (
    TASKS
    + """
from huey import SqliteHuey

queue = SqliteHuey(filename="queue.db")


@queue.task()
def rate():
    show_rate(ITEM)


@queue.task()
def checked():
    show_checked(ITEM)


def send():
    for task in (rate, rate, checked):
        task()
"""
)
APSCHEDULER = (
    TASKS
    + """
import logging
import time

from apscheduler.schedulers.background import BackgroundScheduler

logging.basicConfig(level=logging.INFO)
scheduler = BackgroundScheduler()
for show in (show_rate, show_rate, show_checked):
    scheduler.add_job(show, args=[ITEM])
scheduler.start()
time.sleep(2)
scheduler.shutdown()
"""
)
LUIGI = (
    TASKS
    + """
import luigi


class Rate(luigi.Task):
    number = luigi.IntParameter()

    def run(self):
        show_rate(ITEM)


class Checked(luigi.Task):
    def run(self):
        show_checked(ITEM)


luigi.build([Rate(number=1), Rate(number=2), Checked()], local_scheduler=True, workers=1)
"""
)
TASKIQ = (
    TASKS
    + """
import asyncio
import logging

from taskiq import InMemoryBroker

logging.basicConfig(level=logging.INFO)
broker = InMemoryBroker(await_inplace=True)


@broker.task
async def rate():
    show_rate(ITEM)


@broker.task
async def checked():
    show_checked(ITEM)


async def main():
    await broker.startup()
    for task in (rate, rate, checked):
        await task.kiq()
    await broker.shutdown()


asyncio.run(main())
"""
)
SCRAPY = (
    TASKS
    + """
import http.server
import threading

import scrapy
from scrapy.crawler import CrawlerProcess

port = int(os.environ["PORT"])


class Open(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *rest):
        pass


threading.Thread(target=http.server.HTTPServer(("127.0.0.1", port), Open).serve_forever, daemon=True).start()


class Rates(scrapy.Spider):
    name = "rates"
    start_urls = [f"http://127.0.0.1:{port}/{n}" for n in ("rate-1", "rate-2", "checked")]

    def parse(self, response):
        show = show_checked if response.url.endswith("checked") else show_rate
        yield {"rate": show(ITEM)}


process = CrawlerProcess({"ROBOTSTXT_OBEY": False, "TELNETCONSOLE_ENABLED": False})
process.crawl(Rates)
process.start()
"""
)
LOCUST = (
    TASKS
    + """
from locust import User, constant, task


class Visitor(User):
    wait_time = constant(1)
    number = 0

    @task
    def visit(self):
        Visitor.number += 1
        if Visitor.number <= 2:
            show_rate(ITEM)
        elif Visitor.number == 3:
            show_checked(ITEM)
"""
)
DAGSTER = (
    TASKS
    + """
from dagster import job, op


@op
def rate():
    show_rate(ITEM)


@op
def checked():
    show_checked(ITEM)


@job
def night():
    rate()


@job
def morning():
    checked()


if __name__ == "__main__":
    for one in (night, night, morning):
        one.execute_in_process(raise_on_error=False)
"""
)
FAILED = "dagster._core.errors.DagsterExecutionStepExecutionError"
DAGSTER_ERRORS = tuple(
    Error(
        FAILED,
        f'Error occurred while executing op "{name}":',
        error.count,
        error.place,
        (f"{error.type}: {error.message}", *error.chain),
    )
    for name, error in (("rate", RATE), ("checked", CHECKED))
)


def job(name: str, package: str, form: str, driver: str, venv: str = "workers", **others) -> Program:
    """A driver that starts its own worker, or a command that does."""
    return Program(name, venv, (package,), form, driver, **others)


SEND = "{bin}/python -c 'import {module}; {module}.send()' && "

PROGRAMS = (
    job(
        "celery",
        "celery",
        "time, level, worker, the task, then a traceback",
        CELERY,
        command=SEND + "timeout --foreground 12 {bin}/celery -A {module}:queue worker -c 1 -l INFO",
    ),
    job("rq", "rq", "time, the job, then a traceback", RQ),
    job("arq", "arq", "time, the job, then a traceback", ARQ, seconds=30),
    job("dramatiq", "dramatiq", "time, process, thread, then a traceback", DRAMATIQ),
    job(
        "huey",
        "huey",
        "time, level, thread, then a traceback",
        HUEY,
        command=SEND + "timeout 6 {bin}/huey_consumer {module}.queue",
    ),
    job("apscheduler", "APScheduler", "the job, then a traceback", APSCHEDULER),
    job("taskiq", "taskiq", "the function, then a traceback", TASKIQ, venv="taskiq"),
    job("luigi", "luigi", "the task, then a traceback", LUIGI, venv="luigi"),
    job(
        "dagster",
        "dagster",
        "time, the step, then a traceback of its own layout",
        DAGSTER,
        venv="dagster",
        errors=DAGSTER_ERRORS,
        seconds=90,
    ),
    job("scrapy", "Scrapy", "time, the page, then a traceback", SCRAPY, venv="scrapy"),
    job(
        "locust",
        "locust",
        "time, host, the user, then a traceback",
        LOCUST,
        venv="locust",
        command="{bin}/locust -f {driver} --headless -u 1 -t 6s --only-summary --host http://kiosk.example",
    ),
)
