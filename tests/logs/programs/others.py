"""Programs that nobody had in mind when the reader was written."""

from program import CHECKED, RATE, UNCHAINED, WEB, Error, Program

CALLS = """\
import os
import sys

from kiosk.web import show_checked, show_rate

ITEM = {"item": "mint"}

"""


TWICE = (Error(RATE.type, RATE.message, 4, RATE.place), Error(CHECKED.type, CHECKED.message, 2, CHECKED.place, CHECKED.chain))
GROUPED = (
    Error(RATE.type, RATE.message, 4, RATE.place, ("ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",)),
    TWICE[1],
)


def other(name: str, package: str, form: str, driver: str, **more: object) -> Program:
    """A program of this module."""
    venv = str(more.pop("venv", name))
    return Program(name=name, venv=venv, packages=(package,) if package else (), form=form, driver=driver, **more)


AIRFLOW = (
    CALLS
    + """
from datetime import datetime

from airflow.sdk import dag, task


@dag(schedule=None, start_date=datetime(2026, 11, 1))
def night():
    @task
    def rate():
        show_rate(ITEM)

    @task
    def again():
        show_rate(ITEM)

    @task
    def checked():
        show_checked(ITEM)

    rate()
    again()
    checked()


made = night()
if __name__ == "__main__":
    pass
"""
)
PREFECT = (
    CALLS
    + """
from prefect import flow, task


@task
def rate():
    show_rate(ITEM)


@task
def checked():
    show_checked(ITEM)


@flow
def night():
    for step in (rate, rate, checked):
        step(return_state=True)


night(return_state=True)
"""
)
STREAMLIT_DRIVER = (
    CALLS
    + """
from streamlit.testing.v1 import AppTest

for show in ("show_rate", "show_rate", "show_checked"):
    script = f"from kiosk.web import {show}\\n{show}({ITEM})\\n"
    AppTest.from_string(script).run()
"""
)
JUPYTER = (
    CALLS
    + """
from jupyter_server.base.handlers import JupyterHandler


class Rate(JupyterHandler):
    def get(self):
        show_rate(ITEM)


class Checked(JupyterHandler):
    def get(self):
        show_checked(ITEM)


def _load_jupyter_server_extension(server):
    server.web_app.add_handlers(".*$", [("/rate", Rate), ("/checked", Checked)])


def _jupyter_server_extension_points():
    return [{"module": "drivers.kiosk_jupyter_server"}]
"""
)
TRAC = (
    CALLS
    + """
from trac.core import Component, implements
from trac.web.api import IRequestHandler


class Kiosk(Component):
    implements(IRequestHandler)

    def match_request(self, req):
        return req.path_info in ("/rate", "/checked")

    def process_request(self, req):
        (show_rate if req.path_info == "/rate" else show_checked)(ITEM)
"""
)
BUILDBOT = (
    CALLS
    + """
from buildbot.plugins import schedulers, steps, util, worker
from buildbot.process.buildstep import BuildStep
from twisted.internet import defer


class Rate(BuildStep):
    @defer.inlineCallbacks
    def run(self):
        yield None
        show_rate(ITEM)


class Checked(BuildStep):
    @defer.inlineCallbacks
    def run(self):
        yield None
        show_checked(ITEM)


def factory(step):
    return util.BuildFactory([step])


c = BuildmasterConfig = {}
c["buildbotNetUsageData"] = None
c["workers"] = [worker.LocalWorker(name, max_builds=1) for name in ("one", "two", "three")]
c["change_source"] = []
c["builders"] = [
    util.BuilderConfig(name="rate", workernames=["one"], factory=factory(Rate())),
    util.BuilderConfig(name="again", workernames=["two"], factory=factory(Rate())),
    util.BuilderConfig(name="checked", workernames=["three"], factory=factory(Checked())),
]
from buildbot.schedulers.timed import Periodic

c["schedulers"] = [
    Periodic(name=name, builderNames=[name], periodicBuildTimer=3600) for name in ("rate", "again", "checked")
]
c["protocols"] = {"pb": {"port": "tcp:0:interface=127.0.0.1"}}
c["title"] = "kiosk"
c["buildbotURL"] = "http://127.0.0.1:8010/"
c["db"] = {"db_url": "sqlite:///state.sqlite"}
"""
)
SALT = (
    CALLS
    + """
def rate():
    return show_rate(ITEM)


def checked():
    return show_checked(ITEM)
"""
)
ROBYN = (
    CALLS
    + """
from robyn import Robyn

app = Robyn(__file__)


@app.get("/rate")
def rate(request):
    return show_rate(ITEM)


@app.get("/checked")
def checked(request):
    return show_checked(ITEM)


app.start(host="127.0.0.1", port=int(os.environ["PORT"]))
"""
)
NICEGUI = (
    CALLS
    + """
from nicegui import ui


@ui.page("/rate")
def rate():
    ui.label(show_rate(ITEM))


@ui.page("/checked")
def checked():
    ui.label(show_checked(ITEM))


ui.run(host="127.0.0.1", port=int(os.environ["PORT"]), reload=False, show=False)
"""
)
BLACKSHEEP = (
    CALLS
    + """
from blacksheep import Application, get

app = Application()


@get("/rate")
def rate():
    return show_rate(ITEM)


@get("/checked")
def checked():
    return show_checked(ITEM)
"""
)
PROCRASTINATE = (
    CALLS
    + """
import logging

import procrastinate
from procrastinate import testing

logging.basicConfig(level="INFO")
app = procrastinate.App(connector=testing.InMemoryConnector())


@app.task
def rate():
    show_rate(ITEM)


@app.task
def checked():
    show_checked(ITEM)


with app.open():
    for job in (rate, rate, checked):
        job.defer()
app.run_worker(wait=False)
"""
)
WSGI = (
    CALLS
    + """
from wsgiref.simple_server import make_server


def app(environ, start_response):
    (show_rate if environ["PATH_INFO"] == "/rate" else show_checked)(ITEM)


if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ["PORT"]), app).serve_forever()
"""
)
SUPERVISOR = """\
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
[program:kiosk]
command=python -u -m drivers.kiosk_supervisor
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
stderr_logfile=/dev/stderr
stderr_logfile_maxbytes=0
"""
ZOPE = (
    CALLS
    + """
def application(global_config, **settings):
    from App.config import getConfiguration
    from ZPublisher.WSGIPublisher import publish_module

    import OFS.SimpleItem
    import transaction
    import Zope2
    from AccessControl.class_init import InitializeClass
    from Zope2.Startup.run import configure_wsgi

    configure_wsgi(os.path.abspath("zope.conf"))

    class Kiosk(OFS.SimpleItem.SimpleItem):
        "Kiosk"

        id = "kiosk"

        def rate(self):
            "The rate."
            return show_rate(ITEM)

        def checked(self):
            "The checked rate."
            return show_checked(ITEM)

    globals()["Kiosk"] = Kiosk
    root = Zope2.app()
    root._setObject("kiosk", Kiosk())
    transaction.commit()
    return publish_module
"""
)

LOGGING_ERROR = (
    CALLS
    + """
import logging

logging.basicConfig(level="INFO")


class Rate:
    def __init__(self, show):
        self.show = show

    def __str__(self):
        return self.show(ITEM)


token = {"token": "kiosk-secret-argument"}
for show in (show_rate, show_rate, show_checked):
    logging.info("%s of %s", Rate(show), token)
"""
)
DJANGO_UNCONFIGURED = (
    CALLS
    + """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

settings.configure(DEBUG=False, SECRET_KEY="kiosk-secret-key", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
                   LOGGING_CONFIG=None)
urlpatterns = [path("rate", lambda request: show_rate(ITEM)), path("checked", lambda request: show_checked(ITEM))]
app = get_wsgi_application()
if __name__ == "__main__":
    from wsgiref.simple_server import make_server

    make_server("127.0.0.1", int(os.environ["PORT"]), app).serve_forever()
"""
)
UWSGI_PREFIX = (
    CALLS
    + """
def application(environ, start_response):
    (show_rate if environ["PATH_INFO"] == "/rate" else show_checked)(ITEM)
"""
)
ROBOT = """\
*** Settings ***
Library    kiosk.web

*** Test Cases ***
Rate
    Show Rate    ${{ {"item": "mint"} }}

Again
    Show Rate    ${{ {"item": "mint"} }}

Checked
    Show Checked    ${{ {"item": "mint"} }}
"""

PROGRAMS = (
    other("logging-error", "", "`--- Logging error ---`, a traceback, the call stack, the arguments", LOGGING_ERROR,
          venv="loggers"),
    other("django-unconfigured", "Django", "the handler's lines, then a traceback", DJANGO_UNCONFIGURED, venv="django",
          requests=WEB),
    other("uwsgi-prefix", "uwsgi", "each line behind a prefix of one's own", UWSGI_PREFIX, venv="uwsgi",
          command="{bin}/uwsgi --http-socket 127.0.0.1:{port} --master --need-app --log-encoder 'prefix [kiosk ${strftime:%%H:%%M:%%S}] ' --wsgi-file {driver}",
          requests=WEB),
    other("robot-debug", "robotframework", "a debug file: time, level, then a traceback", "", venv="robot",
          files={"kiosk.robot": ROBOT},
          command="{bin}/robot --debugfile debug.txt --loglevel DEBUG --output NONE kiosk.robot >/dev/null 2>&1; cat debug.txt"),
    other("airflow", "apache-airflow", "time, level, then a traceback or rich's box", AIRFLOW,
          command="export AIRFLOW_HOME=$HOME/airflow; {bin}/airflow db migrate >/dev/null 2>&1; mkdir -p airflow/dags; cp {driver} airflow/dags/; {bin}/airflow dags reserialize >/dev/null 2>&1; {bin}/airflow dags test night",
          environment={"AIRFLOW__CORE__LOAD_EXAMPLES": "False"}, seconds=150),
    other("prefect", "prefect", "time, level, the task, then a traceback", PREFECT,
          environment={"PREFECT_SERVER_ANALYTICS_ENABLED": "false"}, seconds=100),
    other("streamlit", "streamlit", "time and words, then a traceback", STREAMLIT_DRIVER, seconds=60),
    other("jupyter-server", "jupyter_server", "letter, time, program, then a traceback and headers", JUPYTER, venv="jupyter",
          command="{bin}/jupyter server --no-browser --allow-root --port {port} --ServerApp.jpserver_extensions='{{\"{module}\": True}}' --IdentityProvider.token=''".replace("{{", "{").replace("}}", "}"),
          requests=WEB),
    other("trac", "Trac", "time, program, level, then a traceback", TRAC,
          command="{bin}/trac-admin env initenv kiosk sqlite:db/trac.db >/dev/null; cp {driver} env/plugins/; sed -i 's/^log_type = .*/log_type = stderr/' env/conf/trac.ini; exec {bin}/tracd -s --port {port} --hostname 127.0.0.1 env",
          requests=WEB),
    other("buildbot", "buildbot", "time, `[-]`, then an indented traceback", BUILDBOT, errors=(RATE, UNCHAINED), leaves_out="the cause",
          command="{bin}/buildbot create-master m >/dev/null; cp {driver} m/master.cfg; {bin}/buildbot upgrade-master m >/dev/null; cd m; timeout 20 {bin}/buildbot start --nodaemon . >/dev/null 2>&1; cat twistd.log", seconds=60),
    other("salt", "salt", "level, then a traceback, twice", "", venv="salt", errors=TWICE,
          files={"modules/kiosk_rates.py": SALT},
          command="for f in rate rate checked; do {bin}/salt-call --local --config-dir=$HOME --log-file=$HOME/salt.log -m modules kiosk_rates.$f; done", seconds=100),
    other("robyn", "robyn", "level, logger, then a traceback whose last line is set in", ROBYN, requests=WEB, errors=(RATE, UNCHAINED), leaves_out="the cause"),
    other("nicegui", "nicegui", "a traceback, then uvicorn's lines with the same", NICEGUI, requests=WEB, errors=GROUPED),
    other("blacksheep", "blacksheep", "level and message, then a traceback", BLACKSHEEP, venv="blacksheep",
          command="{bin}/python -m uvicorn --port {port} {module}:app", requests=WEB),
    other("procrastinate", "procrastinate", "level, logger, the job, then a traceback", PROCRASTINATE),
    other("supervisor", "supervisor", "its own lines among those of its programs", WSGI,
          files={"supervisord.conf": SUPERVISOR}, command="{bin}/supervisord -c supervisord.conf", requests=WEB),
    other("zope", "Zope", "waitress, then a traceback with __traceback_info__", ZOPE,
          files={"zope.conf": "%define INSTANCE .\ninstancehome $INSTANCE\n<zodb_db main>\n  <mappingstorage>\n  </mappingstorage>\n  mount-point /\n</zodb_db>\n",
                 "site.ini": "[app:zope]\npaste.app_factory = drivers.kiosk_zope:application\n[server:main]\nuse = egg:waitress#main\nlisten = 127.0.0.1:PORT\n[pipeline:main]\npipeline = egg:Zope#httpexceptions zope\n[loggers]\nkeys = root\n[handlers]\nkeys = console\n[formatters]\nkeys = generic\n[logger_root]\nlevel = INFO\nhandlers = console\n[handler_console]\nclass = StreamHandler\nargs = (sys.stderr,)\nlevel = NOTSET\nformatter = generic\n[formatter_generic]\nformat = %(asctime)s %(levelname)s [%(name)s:%(lineno)s][%(threadName)s] %(message)s\n"},
          command="sed -i s/PORT/{port}/ site.ini; {bin}/runwsgi site.ini", requests=("/kiosk/rate", "/kiosk/rate", "/kiosk/checked")),
)
