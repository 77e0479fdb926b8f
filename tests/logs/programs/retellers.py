"""What tells of another process's failure, or of a failure in its own way: pools, remote objects, hooks, syslog."""

from program import CHECKED, RATE, Program

HEAD = """\
import logging
import os
import sys

from kiosk.web import show_checked, show_rate

ITEM = {"item": "mint"}
SHOWS = {"rate": show_rate, "checked": show_checked}
"""
WORK = """

def work(_):
    return SHOWS[sys.argv[1]](ITEM)


if __name__ == "__main__":
"""
ASKED = "\nSHOWS[sys.argv[1]](ITEM)\n"
MPIRE = HEAD + "\nfrom mpire import WorkerPool\n" + WORK + "    with WorkerPool(2) as pool:\n        pool.map(work, range(2))\n"
PEBBLE = (
    HEAD
    + "\nfrom pebble import ProcessPool\n"
    + WORK
    + "    with ProcessPool(2) as pool:\n        pool.schedule(work, args=[1]).result()\n"
)
EXECNET = (
    HEAD
    + """
import execnet

code = "from kiosk.web import *\\nshow_%s({'item': 'mint'})" % sys.argv[1]
execnet.makegateway().remote_exec(code).waitclose()
"""
)
PYRO = (
    HEAD
    + """
import threading

import Pyro5.api
import Pyro5.errors

sys.excepthook = Pyro5.errors.excepthook


@Pyro5.api.expose
class Kiosk:
    def work(self):
        return SHOWS[sys.argv[1]](ITEM)


daemon = Pyro5.api.Daemon()
address = daemon.register(Kiosk)
threading.Thread(target=daemon.requestLoop, daemon=True).start()
Pyro5.api.Proxy(address).work()
"""
)
FRIENDLY = HEAD + "\nimport friendly_traceback\n\nfriendly_traceback.install()\n" + ASKED
PLAIN = (
    HEAD
    + '\nfrom IPython.core import ultratb\n\nsys.excepthook = ultratb.FormattedTB(mode="Plain", theme_name="nocolor")\n'
    + ASKED
)
CGITB = HEAD + '\nimport cgitb\n\ncgitb.enable(format="text")\n' + ASKED
LOOP = """
for show in (show_rate, show_rate, show_checked):
    log.info("asked")
    try:
        show(ITEM)
    except Exception:
        log.exception("no page")
"""
SYSLOG = (
    HEAD
    + """
import logging.handlers
import socket
import threading
import time

listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("127.0.0.1", 0))


def keep():
    while True:
        os.write(1, listener.recv(65536) + b"\\n")


threading.Thread(target=keep, daemon=True).start()
log = logging.getLogger("kiosk")
log.setLevel(logging.INFO)
log.addHandler(logging.handlers.SysLogHandler(("127.0.0.1", listener.getsockname()[1])))
"""
    + LOOP
    + "\ntime.sleep(1)\n"
)
KEY_VALUE = (
    HEAD
    + """
import structlog

structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"),
    structlog.processors.dict_tracebacks, structlog.processors.KeyValueRenderer()])
log = structlog.get_logger()
"""
    + LOOP
)
THRICE = "for page in rate rate checked; do echo start; {bin}/python {driver} $page; echo ended; done"


def asked(name: str, venv: str, package: str, form: str, driver: str) -> Program:
    """A program that fails once for each page, in a process of its own."""
    packages = (package,) if package else ()
    return Program(name, venv, packages, form, driver, THRICE, errors=(RATE, CHECKED))


PROGRAMS = (
    asked("mpire", "retellers", "mpire", "the worker's traceback as the text of another exception", MPIRE),
    asked("pebble", "retellers", "Pebble", "a remote traceback that begins in the line of its type", PEBBLE),
    asked("execnet", "retellers", "execnet", "the same", EXECNET),
    asked("pyro5", "retellers", "Pyro5", "the server's traceback below the client's, behind a margin", PYRO),
    asked("friendly-traceback", "retellers", "friendly-traceback", "a traceback, then an explanation with values", FRIENDLY),
    asked("ipython-plain", "retellers", "ipython", "frames as `File path:line in function`", PLAIN),
    asked("cgitb", "retellers", "", "places with values, then a traceback", CGITB),
    Program("syslog-datagrams", "retellers", (), "records that end in a zero byte", SYSLOG),
    Program("structlog-key-value", "retellers", ("structlog",), "exceptions as Python prints a list of dictionaries", KEY_VALUE),
)
