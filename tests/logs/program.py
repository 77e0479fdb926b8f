"""A program that runs the kiosk's fault for real, and what is right to read in its log.

Whatever the program is, the fault is the same: twice `rate_of("mint")`, which ends in a ValueError, and once
`checked_rate("mint")`, which ends in a LookupError that was raised from the same ValueError.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Error:
    """One group of errors."""

    type: str
    message: str
    count: int
    place: str
    chain: tuple[str, ...] = ()


RATE = Error("ValueError", "not a rate: four", 2, "kiosk/ledger.py:8 parse_rate")
CHECKED = Error(
    "LookupError", "no rate for mint", 1, "kiosk/ledger.py:20 checked_rate", ("ValueError: not a rate: four",)
)
#: The same, from a program that does not print what an exception was raised from.
UNCHAINED = Error("LookupError", "no rate for mint", 1, "kiosk/ledger.py:20 checked_rate")
#: A program that prints neither frames nor cause.
RATE_ALONE = Error("ValueError", "not a rate: four", 2, "")
CHECKED_ALONE = Error("LookupError", "no rate for mint", 1, "")


@dataclass(frozen=True)
class Program:
    """One program, its driver, and its log."""

    #: Also the name of the log.
    name: str
    #: The virtual environment, and `requirements/VENV.txt`.
    venv: str
    #: The distributions that the table names.
    packages: tuple[str, ...]
    #: What its log looks like, in a few words.
    form: str
    #: The driver, `drivers/NAME.py` in the folder of the run.
    driver: str
    #: The command; `{bin}` is the environment's programs, `{port}` a free port, `{driver}` the driver's file, `{module}` its module.
    command: str = "{bin}/python {driver}"
    #: Paths that are asked for, once the port answers. Without any the command ends by itself.
    requests: tuple[str, ...] = ()
    #: Right answers.
    errors: tuple[Error, ...] = (RATE, CHECKED)
    #: What of the fault the program does not print.
    leaves_out: str = ""
    #: Variables of the environment.
    environment: dict[str, str] = field(default_factory=dict)
    #: Other files of the folder of the run.
    files: dict[str, str] = field(default_factory=dict)
    #: What the table names where it names no distribution.
    source: str = "CPython 3.11"
    #: The most seconds that it may take.
    seconds: int = 60
    #: Seconds to wait after the last request.
    linger: float = 1.0


WEB = ("/rate", "/rate", "/checked")
