"""Loggers, formatters, and what replaces the traceback."""

from program import CHECKED, RATE, UNCHAINED, Program

HEAD = """\
import logging

from kiosk.web import show_checked, show_rate

ITEM = {"item": "mint"}
PASSWORD = "kiosk-secret-local"
"""
SERVE = """

def serve(failed):
    password = PASSWORD
    for show in (show_rate, show_rate, show_checked):
        try:
            show(ITEM)
        except Exception:
            failed("no page")


"""


def logged(name: str, package: str, form: str, setup: str, call: str, venv: str = "loggers", **others) -> Program:
    """A logger that is told of each exception."""
    return Program(name, venv, (package,) if package else (), form, HEAD + setup + SERVE + call + "\n", **others)


def handled(name: str, package: str, form: str, setup: str, venv: str = "loggers", **others) -> Program:
    """A handler or formatter of the standard library's logging."""
    tail = 'logging.getLogger("kiosk").info("opening")\nserve(logging.getLogger("kiosk").exception)\n'
    tail += 'logging.getLogger("kiosk").info("closing")'
    return logged(name, package, form, setup, tail, venv, **others)


def formatter(imports: str, made: str) -> str:
    """The set-up of a formatter."""
    return (
        f"{imports}\n\nhandler = logging.StreamHandler()\nhandler.setFormatter({made})\n"
        "logging.basicConfig(level=logging.INFO, handlers=[handler])\n"
    )


HOOKED = """\

def serve():
    password = PASSWORD
    show_checked(ITEM)


serve()
"""


def hooked(name: str, package: str, form: str, setup: str, **others) -> Program:
    """What prints an exception that ends the program."""
    return Program(name, "loggers", (package,), form, HEAD + setup + HOOKED, errors=(CHECKED,), **others)


PROGRAMS = (
    handled("logging", "", "level, logger, message, then a traceback", "logging.basicConfig(level=logging.INFO)\n"),
    logged(
        "loguru",
        "loguru",
        "header, `>` before the caught frame, values under the code",
        "from loguru import logger\n",
        "serve(logger.exception)",
    ),
    logged(
        "loguru-serialize",
        "loguru",
        "a JSON object a line, with the text and the record",
        "import sys\n\nfrom loguru import logger\n\nlogger.remove()\nlogger.add(sys.stderr, serialize=True)\n",
        "serve(logger.exception)",
    ),
    logged(
        "structlog-console",
        "structlog",
        "a line of its console, then a traceback",
        "import structlog\n",
        "serve(structlog.get_logger().exception)",
    ),
    logged(
        "structlog-json",
        "structlog",
        "JSON with the traceback in `exception`",
        "import structlog\n\nstructlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt='iso'),"
        " structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])\n",
        "serve(structlog.get_logger().exception)",
    ),
    logged(
        "structlog-dict-tracebacks",
        "structlog",
        "JSON with frames as objects",
        "import structlog\n\nstructlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt='iso'),"
        " structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()])\n",
        "serve(structlog.get_logger().exception)",
    ),
    logged(
        "structlog-rich",
        "rich",
        "a line of structlog's console, then rich's box",
        "import structlog\nfrom structlog.dev import ConsoleRenderer, RichTracebackFormatter\n\n"
        "structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt='iso'),"
        " ConsoleRenderer(colors=False, exception_formatter=RichTracebackFormatter(color_system=None, width=100))])\n",
        "serve(structlog.get_logger().exception)",
    ),
    handled(
        "rich-handler",
        "rich",
        "columns and a box",
        "from rich.logging import RichHandler\n\nlogging.basicConfig(level=logging.INFO, format='%(message)s', "
        "handlers=[RichHandler(rich_tracebacks=True)])\n",
    ),
    handled(
        "python-json-logger",
        "python-json-logger",
        "JSON with the traceback in `exc_info`",
        formatter(
            "from pythonjsonlogger.json import JsonFormatter",
            'JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s")',
        ),
    ),
    handled(
        "python-json-logger-array",
        "python-json-logger",
        "JSON with the traceback as an array of lines",
        formatter(
            "from pythonjsonlogger.json import JsonFormatter",
            'JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", exc_info_as_array=True)',
        ),
    ),
    handled(
        "ecs-logging",
        "ecs-logging",
        "JSON with `error.type`, `error.message`, `error.stack_trace`",
        formatter("import ecs_logging", "ecs_logging.StdlibFormatter()"),
        errors=(RATE, UNCHAINED),
        leaves_out="the cause",
    ),
    handled(
        "logfmter",
        "logfmter",
        "logfmt with the traceback in `exc_info`",
        formatter("from logfmter import Logfmter", "Logfmter(keys=['at'], mapping={'at': 'levelname'})"),
    ),
    handled(
        "colorlog",
        "colorlog",
        "colours, then a traceback",
        formatter(
            "import colorlog",
            'colorlog.ColoredFormatter("%(log_color)s%(levelname)-8s%(reset)s %(message)s", force_color=True)',
        ),
    ),
    handled(
        "coloredlogs",
        "coloredlogs",
        "time, host, logger, process, level, then a traceback",
        "import coloredlogs\n\ncoloredlogs.install(level='INFO')\n",
    ),
    logged(
        "logbook",
        "Logbook",
        "time, level, logger, then a traceback",
        "import sys\n\nimport logbook\n\nlogbook.StreamHandler(sys.stderr).push_application()\n",
        'serve(logbook.Logger("kiosk").exception)',
    ),
    logged(
        "eliot",
        "eliot",
        "JSON with the traceback in `traceback`",
        "import sys\n\nimport eliot\n\neliot.to_file(sys.stderr)\n",
        "serve(lambda message: eliot.write_traceback())",
    ),
    handled(
        "stackprinter",
        "stackprinter",
        "a layout of its own, with values",
        formatter(
            "import stackprinter\n\n\nclass Formatter(logging.Formatter):\n    def formatException(self, exc_info):\n"
            "        return stackprinter.format(exc_info)\n",
            'Formatter("%(asctime)s %(levelname)s %(message)s")',
        ),
    ),
    hooked(
        "stackprinter-hook",
        "stackprinter",
        "a layout of its own, with values",
        "import stackprinter\n\nstackprinter.set_excepthook(style='plaintext')\n",
    ),
    hooked(
        "pretty-errors", "pretty_errors", "a layout of its own", "import pretty_errors\n\npretty_errors.activate()\n"
    ),
    hooked("rich-traceback", "rich", "a box", "import rich.traceback\n\nrich.traceback.install()\n"),
    hooked(
        "rich-traceback-locals",
        "rich",
        "a box with a box of values",
        "import rich.traceback\n\nrich.traceback.install(show_locals=True)\n",
    ),
    hooked(
        "better-exceptions",
        "better_exceptions",
        "values under the code",
        "import better_exceptions\n\nbetter_exceptions.MAX_LENGTH = None\nbetter_exceptions.hook()\n",
    ),
)
