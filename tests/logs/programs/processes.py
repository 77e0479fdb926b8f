"""Pools, clusters, event loops, interpreters within interpreters, and what wraps a program."""

import json

from program import CHECKED, RATE, UNCHAINED, Error, Program

HEAD = """\
import logging
import os
import sys

from kiosk.web import show_checked, show_rate

ITEM = {"item": "mint"}
SHOWS = (show_rate, show_rate, show_checked)

logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
log = logging.getLogger("kiosk")
"""
FUTURES = (
    HEAD
    + """
from concurrent.futures import ProcessPoolExecutor

if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        for future in [pool.submit(show, ITEM) for show in SHOWS]:
            try:
                future.result()
            except Exception:
                log.exception("no page")
"""
)
POOL = (
    HEAD
    + """
import multiprocessing

if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        for result in [pool.apply_async(show, (ITEM,)) for show in SHOWS]:
            try:
                result.get()
            except Exception:
                log.exception("no page")
"""
)
PROCESS = (
    HEAD
    + """
import multiprocessing

if __name__ == "__main__":
    for show in SHOWS:
        process = multiprocessing.Process(target=show, args=(ITEM,))
        process.start()
        process.join()
"""
)
THREAD = (
    HEAD
    + """
import threading

for show in SHOWS:
    thread = threading.Thread(target=show, args=(ITEM,))
    thread.start()
    thread.join()
"""
)
JOBLIB = (
    HEAD
    + """
from joblib import Parallel, delayed

if __name__ == "__main__":
    for show in SHOWS:
        try:
            Parallel(n_jobs=2)(delayed(show)(ITEM) for _ in range(1))
        except Exception:
            log.exception("no page")
"""
)
DASK = (
    HEAD
    + """
from dask.distributed import Client

if __name__ == "__main__":
    with Client(n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        for number, show in enumerate(SHOWS):
            try:
                client.submit(show, dict(ITEM, n=number)).result()
            except Exception:
                pass
"""
)
RAY = (
    HEAD
    + """
import ray

ray.init(num_cpus=1, include_dashboard=False, log_to_driver=True, configure_logging=False)


@ray.remote(max_retries=0)
def rate():
    return show_rate(ITEM)


@ray.remote(max_retries=0)
def checked():
    return show_checked(ITEM)


for task in (rate, rate, checked):
    try:
        ray.get(task.remote())
    except Exception:
        log.exception("no page")
"""
)
ASYNCIO = (
    HEAD
    + """
import asyncio
import gc


async def visit(show):
    return show(ITEM)


async def main():
    for show in SHOWS:
        task = asyncio.create_task(visit(show))
        await asyncio.sleep(0.1)
        del task
        gc.collect()


asyncio.run(main())
"""
)
TASKGROUP = (
    HEAD
    + """
import asyncio


async def visit(show):
    return show(ITEM)


async def main():
    for show in SHOWS:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(visit(show))
        except ExceptionGroup:
            log.exception("no page")


asyncio.run(main())
"""
)
UNRAISABLE = (
    HEAD
    + """

class Visit:
    def __init__(self, show):
        self.show = show

    def __del__(self):
        self.show(ITEM)


for show in SHOWS:
    visit = Visit(show)
    del visit
"""
)
LAMBDA = """\
from kiosk.web import show_checked, show_rate


def handler(event, context):
    return {"rate": show_rate, "checked": show_checked}[event["page"]]({"item": "mint"})
"""
RUNTIME = """\
# The service that hands out invocations is not here: these functions stand in its place.
import json
import os
import sys
import types

EVENTS = ["rate", "rate", "checked"]
given = iter(enumerate(EVENTS))


def next_invocation():
    try:
        number, page = next(given)
    except StopIteration:
        sys.stdout.flush()
        os._exit(0)
    headers = {
        "Lambda-Runtime-Aws-Request-Id": f"8f5d2c1e-0000-4000-8000-00000000000{number}",
        "Lambda-Runtime-Deadline-Ms": "4102444800000",
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:000000000000:function:kiosk",
        "Content-Type": "application/json",
    }
    return json.dumps({"page": page}).encode(), headers


client = types.ModuleType("runtime_client")
client.initialize_client = lambda *rest: None
client.next = next_invocation
client.post_invocation_result = client.post_error = lambda *rest: None
sys.modules["runtime_client"] = client
os.environ["AWS_LAMBDA_RUNTIME_API"] = "runtime.example"
folder, file = os.path.split(sys.argv[1])
os.environ["LAMBDA_TASK_ROOT"] = folder

from awslambdaric.__main__ import main

sys.path.insert(0, folder)
main(["bootstrap", file[:-3] + ".handler"])
"""
NOTEBOOK = json.dumps(
    {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {
                "cell_type": "code",
                "id": "visit",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": 'from kiosk.web import show_checked\n\nshow_checked({"item": "mint"})',
            }
        ],
    }
)
PLAYBOOK = """\
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: a rate
      rate:
        page: rate
      ignore_errors: true
    - name: a rate again
      rate:
        page: rate
      ignore_errors: true
    - name: a checked rate
      rate:
        page: checked
"""
MODULE = """\
from ansible.module_utils.basic import AnsibleModule
from kiosk.web import show_checked, show_rate

module = AnsibleModule({"page": {"type": "str"}})
module.exit_json(rate={"rate": show_rate, "checked": show_checked}[module.params["page"]]({"item": "mint"}))
"""
SPARK = (
    HEAD
    + """
from pyspark.sql import SparkSession
from pyspark.sql.functions import col, udf

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
items = spark.createDataFrame([("mint",)], ["item"])
rate = udf(lambda item: show_rate({"item": item}))
try:
    items.select(rate(col("item"))).collect()
except Exception:
    log.exception("no page")
spark.stop()
"""
)
#: As the executor, the task manager and the driver tell of it.
TOLD = Error(RATE.type, RATE.message, 3, RATE.place)


def ran(name: str, package: str, form: str, driver: str, venv: str = "wsgi", **others) -> Program:
    """A driver of its own."""
    return Program(name, venv, (package,) if package else (), form, driver, **others)


PROGRAMS = (
    ran("concurrent-futures", "", "a remote traceback within the exception's text", FUTURES),
    ran("multiprocessing-pool", "", "a remote traceback within the exception's text", POOL),
    ran("multiprocessing-process", "", "`Process Process-1:`, then a traceback", PROCESS),
    ran("threading", "", "`Exception in thread`, then a traceback", THREAD),
    ran("joblib", "joblib", "a remote traceback within the exception's text", JOBLIB, "joblib"),
    ran(
        "dask",
        "distributed",
        "a warning with the exception's repr and a traceback",
        DASK,
        "dask",
        errors=(RATE, UNCHAINED),
        leaves_out="the cause",
    ),
    ran("ray", "ray", "a remote traceback, its lines behind the task's name", RAY, "ray", seconds=120),
    ran("asyncio", "", "`Task exception was never retrieved`, the future, then a traceback", ASYNCIO),
    ran("asyncio-task-group", "", "an exception group's tree", TASKGROUP),
    ran(
        "unraisable",
        "",
        "`Exception ignored in`, then a traceback",
        UNRAISABLE,
        errors=(RATE, UNCHAINED),
        leaves_out="the cause",
    ),
    ran(
        "lambda-text",
        "awslambdaric",
        "`[ERROR]`, type and message, then a traceback with no-break spaces",
        LAMBDA,
        "awslambda",
        command="{bin}/python runtime.py {driver}",
        files={"runtime.py": RUNTIME},
        errors=(RATE, UNCHAINED),
        leaves_out="the cause",
    ),
    ran(
        "lambda-json",
        "awslambdaric",
        "JSON with `errorType`, `errorMessage`, `stackTrace`",
        LAMBDA,
        "awslambda",
        command="{bin}/python runtime.py {driver}",
        files={"runtime.py": RUNTIME},
        environment={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"},
        errors=(RATE, UNCHAINED),
        leaves_out="the cause",
    ),
    ran(
        "nbconvert",
        "nbconvert",
        "the notebook's traceback within that of the program",
        "",
        "notebook",
        command="{bin}/jupyter-nbconvert --to notebook --execute night.ipynb",
        files={"night.ipynb": NOTEBOOK},
        errors=(CHECKED,),
    ),
    ran(
        "papermill",
        "papermill",
        "the notebook's traceback within that of the program",
        "",
        "notebook",
        command="{bin}/papermill night.ipynb out.ipynb",
        files={"night.ipynb": NOTEBOOK},
        errors=(CHECKED,),
    ),
    ran(
        "ansible",
        "ansible-core",
        "`fatal:` with JSON",
        "",
        "ansible",
        command="{bin}/ansible-playbook -i localhost, -e ansible_python_interpreter={bin}/python play.yml",
        files={"play.yml": PLAYBOOK, "library/rate.py": MODULE},
        environment={"ANSIBLE_LOCALHOST_WARNING": "false"},
        errors=(
            Error("", "Task failed: Module failed: not a rate: four", 2, ""),
            Error("", "Task failed: Module failed: no rate for mint: not a rate: four", 1, ""),
        ),
        leaves_out="type, traceback and cause",
    ),
    ran(
        "pyspark",
        "pyspark",
        "a Java stack with the worker's traceback in it",
        SPARK,
        "pyspark",
        errors=(TOLD,),
        seconds=120,
    ),
)
