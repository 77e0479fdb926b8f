"""More plugins of pytest, profilers and wrappers around it."""

from dataclasses import replace

from catalogue.pytest_family import plain
from catalogue.tasks import around

ACTIVE = "PATH={bin}:$PATH "
PROJECT = '[project]\nname = "sums"\nversion = "1"\nrequires-python = ">=3.9"\n'

NEW = (
    plain("pytest-instafail", "--instafail", "pytest-instafail", venv="plugins"),
    plain("pytest-clarity", "-p no:icdiff", "pytest-clarity", venv="plugins"),
    plain("pytest-icdiff", "-p no:clarity", "pytest-icdiff", venv="plugins"),
    plain("pytest-spec", "--spec", "pytest-spec", venv="spec"),
    plain("pytest-testdox", "--testdox", "pytest-testdox", venv="testdox"),
    plain("pytest-md", "--md report.md", "pytest-md", venv="md"),
    plain("pytest-repeat", "--count 2", "pytest-repeat", venv="repeat"),
    plain("pytest-split", "--splits 1 --group 1", "pytest-split", venv="repeat"),
    plain("pytest-progress", "--show-progress", "pytest-progress", venv="repeat"),
    plain("pytest-rich", "--rich", "pytest-rich", venv="rich"),
    plain(
        "pytest-benchmark",
        "-q",
        "pytest-benchmark",
        venv="bench",
        test="import app\n\n\ndef test_total(benchmark):\n    assert benchmark(app.total, [1, 2, 3]) == 6\n",
        skipped={
            "test_app.py": "import pytest\nimport app\n\n\n@pytest.mark.skip\ndef test_total(benchmark):\n    assert benchmark(app.total, [1, 2, 3]) == 6\n"
        },
    ),
    around("pyinstrument -m pytest", "{bin}/pyinstrument -m pytest -q", "pyinstrument", {}, venv="profilers"),
    around("memray run -m pytest", "{bin}/memray run -q -f -o m.bin -m pytest -q", "memray", {}, venv="profilers"),
    around("viztracer -- pytest", "{bin}/viztracer -o r.json --quiet -m pytest -q", "viztracer", {}, venv="profilers"),
    around("kernprof pytest", "{bin}/kernprof -l -m pytest -q", "line_profiler", {}, venv="profilers"),
    around("scalene", "{bin}/scalene run --cpu-only --off -m pytest -q", "scalene", {}, venv="profilers"),
    around("cProfile -m pytest", "{bin}/python -m cProfile -o p.out -m pytest -q", "", {}, venv="pytest"),
    around(
        "python -m trace",
        "{bin}/python -m trace --count --missing --summary -C t --module pytest -q",
        "",
        {},
        venv="pytest",
    ),
    around(
        "opentelemetry-instrument",
        ACTIVE
        + "OTEL_TRACES_EXPORTER=none OTEL_METRICS_EXPORTER=none {bin}/opentelemetry-instrument python -m pytest -q",
        "opentelemetry-instrumentation",
        {},
        venv="otel",
        shell=True,
    ),
    around(
        "uv run",
        ACTIVE + "VIRTUAL_ENV={bin}/.. UV_OFFLINE=1 {bin}/uv run --no-project python -m pytest -q",
        "uv",
        {"pyproject.toml": PROJECT},
        venv="env",
        shell=True,
    ),
    around(
        "honcho start",
        ACTIVE + "{bin}/honcho start",
        "honcho",
        {"Procfile": "tests: python -m pytest -q\n"},
        venv="env",
        shell=True,
    ),
    around(
        "dotenv run",
        ACTIVE + "{bin}/dotenv run -- python -m pytest -q",
        "python-dotenv",
        {".env": "A=1\n"},
        venv="env",
        shell=True,
    ),
    around(
        "xargs", ACTIVE + "sh -c 'ls test_*.py | xargs -n 1 python -m pytest -q'", "", {}, venv="pytest", shell=True
    ),
    around("script -qec", ACTIVE + "script -qec 'python -m pytest' /dev/null", "", {}, venv="pytest", shell=True),
    around(
        "timestamps by awk",
        ACTIVE + 'bash -o pipefail -c "python -m pytest | awk \'{ print \\"12:00:00 \\" \\$0 }\'"',
        "",
        {},
        venv="pytest",
        shell=True,
    ),
)

RUNNERS = tuple(replace(one, unnamed=True) for one in NEW)
