"""Runs in several processes, builds, items of pytest that are no functions, and checkers whose complaints have no rule."""

import json

from catalogue.pytest_family import TEST
from catalogue.smoke import GOOD, checker
from catalogue.tasks import NOTEBOOK, around
from catalogue.unittest_family import NOTHING as NO_CASE
from catalogue.unittest_family import SKIPPED as SKIPPED_CASE
from catalogue.unittest_family import TEST as CASE
from projects import CRASHES, EXITS, FAILS, IMPORT, OTHER, Files, Runner
from projects import NOTHING as NOTHING_THERE
from projects import SKIPPED as ALL_SKIPPED

ACTIVE = "PATH={bin}:$PATH "
#: Open MPI refuses root, and more processes than there are cores, unless it is told otherwise.
MPI = ACTIVE + "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n 2 "
BUILD = """\
from pybuilder.core import init, use_plugin

use_plugin("python.core")
use_plugin("python.unittest")

name = "sums"
version = "1.0"
default_task = "run_unit_tests"


@init
def initialize(project):
    project.set_property("dir_source_main_python", ".")
    project.set_property("dir_source_unittest_python", ".")
    project.set_property("unittest_module_glob", "test_*")
"""
#: A notebook whose outputs were stored, one cell of which may be another.
COMPARED = json.loads(NOTEBOOK)
COMPARED["cells"][0]["execution_count"] = 1
COMPARED["cells"][1] |= {
    "execution_count": 2,
    "source": "app.total([1, 2, 3])",
    "outputs": [
        {"output_type": "execute_result", "execution_count": 2, "metadata": {}, "data": {"text/plain": "6"}}
    ],
}
BENCH = "import cocotb\n\nimport app\n\n\n@cocotb.test()\nasync def test_total(dut):\n    assert app.total([1, 2, 3]) == 6\n"
COCOTB = {
    "top.v": "module top(input wire a, output wire b);\nassign b = a;\nendmodule\n",
    "Makefile": "TOPLEVEL_LANG = verilog\nVERILOG_SOURCES = top.v\nCOCOTB_TOPLEVEL = top\nCOCOTB_TEST_MODULES = test_app\n"
    "include $(shell cocotb-config --makefiles)/Makefile.sim\n",
    "test_app.py": BENCH,
}
PLAY = """\
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Sum
      command: python3 -c 'import app; print(app.total([1, 2, 3]))'
      register: sum
    - name: Sum is right
      assert:
        that: sum.stdout == "6"
"""
SKIPPED_PLAY = PLAY.replace("      register: sum\n", "      register: sum\n      when: false\n") + "      when: false\n"
SNAKEFILE = "rule all:\n    input: 'sum.txt'\n\nrule sum:\n    output: 'sum.txt'\n    script: 'sum.py'\n"
SNAKE = "import sys\n\nsys.path.insert(0, '.')\nimport app\n\nassert app.total([1, 2, 3]) == 6\nopen(snakemake.output[0], 'w').write('6')\n"
DBT: Files = {
    "dbt_project.yml": "name: sums\nprofile: sums\nversion: 1.0.0\n",
    "profiles.yml": "sums:\n  target: dev\n  outputs:\n    dev:\n      type: sqlite\n      threads: 1\n      database: main\n"
    "      schema: main\n      schemas_and_paths:\n        main: sums.db\n      schema_directory: .\n",
    "models/sums.sql": "select 1 + 2 + 3 as total\n",
    "tests/total.sql": "select * from {{ ref('sums') }} where total != 6\n",
    "tests/none.sql": "select * from {{ ref('sums') }} where total is null\n",
}
#: Of a test file that pytest-mypy-plugins reads.
TYPES = '- case: total\n  main: |\n    from app import total\n    reveal_type(total([1]))  # N: Revealed type is "int"\n'
BROKEN = "def total(xs:\n"


def notebook(name: str, options: str, package: str, cells: dict, **others) -> Runner:
    """A notebook as a test of pytest."""
    files = {"sums.ipynb": json.dumps(cells, indent=1), **others.pop("files", {})}
    return Runner(
        name,
        others.pop("venv", "run-items"),
        "{bin}/python -m pytest -q -p no:cacheprovider " + options,
        (package,),
        files,
        {"sums.ipynb": None, "readme.txt": "nothing\n"},
        {"sums.ipynb": None, "conftest.py": "collect_ignore_glob = ['*']\n"},
        unnamed=True,
        **others,
    )


def item(name: str, options: str, package: str, fails: str, other: str, **others) -> Runner:
    """A file that a checker reads, as a test of pytest."""
    return checker(
        name,
        "{bin}/python -m pytest -q -p no:cacheprovider " + options,
        package,
        fails,
        other,
        others.pop("files", {}),
        venv="run-items",
        **others,
    )


def pybuilder(name, flags):
    return Runner(
        name,
        "run-build",
        ACTIVE + "{bin}/pyb --no-venvs " + flags,
        ("pybuilder",),
        {"test_app.py": CASE, "build.py": BUILD},
        NO_CASE,
        SKIPPED_CASE,
        shell=True,
        untold={ALL_SKIPPED: "good"},
        # It writes a log of what it installs into the environment.
        options=("--isolation", "off"),
        unnamed=True,
    )


RUNNERS = (
    around("mpirun -n 2 pytest", MPI + "python -m pytest -q", "mpi4py", {}, venv="run-mpi", shell=True, unnamed=True),
    around(
        "mpirun --tag-output",
        MPI + "--tag-output python -m pytest -q",
        "mpi4py",
        {},
        venv="run-mpi",
        shell=True,
        unnamed=True,
    ),
    pybuilder("PyBuilder", "-O"),
    pybuilder("PyBuilder -v", "-O -v"),
    notebook("nbval --nbval", "--nbval", "nbval", COMPARED),
    notebook("pytest-notebook", "--nb-test-files", "pytest-notebook", COMPARED, venv="run-notebook", files={"pytest.ini": "[pytest]\nnb_diff_ignore = /metadata/language_info\n"}),
    item("pytest-mypy", "--mypy app.py", "pytest-mypy", GOOD.replace("sum(xs)", "str(sum(xs))"), GOOD.replace("sum(xs)", "sums(xs)")),
    item("pytest-ruff", "--ruff app.py", "pytest-ruff", "import os\n\n\n" + GOOD, "import re\n\n\n" + GOOD),
    Runner(
        "pytest-mypy-plugins",
        "run-items",
        ACTIVE + "{bin}/python -m pytest -q -p no:cacheprovider test_types.yml",
        ("pytest-mypy-plugins",),
        {"app.py": GOOD, "test_types.yml": TYPES},
        {"test_types.yml": "[]\n"},
        {"test_types.yml": TYPES + "  skip: true\n"},
        instead={
            "passes": {"app.py": GOOD},
            FAILS: {"app.py": GOOD.replace("-> int", "-> str").replace("sum(xs)", "str(sum(xs))")},
            IMPORT: {"app.py": "import no_such_module\n\n\n" + GOOD},
            CRASHES: {"app.py": BROKEN},
            EXITS: {"app.py": "\tx = 1\n y = 2\n"},
            OTHER: {"app.py": GOOD.replace("sum(xs)", "sums(xs)")},
        },
        shell=True,
        unnamed=True,
    ),
    Runner(
        "cocotb",
        "run-cocotb",
        ACTIVE + "make",
        ("cocotb",),
        COCOTB,
        {"test_app.py": "import app\n"},
        {"test_app.py": BENCH.replace("test()", "test(skip=True)")},
        shell=True,
        unnamed=True,
    ),
    Runner(
        "ansible-playbook",
        "run-ansible",
        ACTIVE + "{bin}/ansible-playbook play.yml",
        ("ansible-core",),
        {"play.yml": PLAY},
        {"play.yml": "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks: []\n"},
        {"play.yml": SKIPPED_PLAY},
        shell=True,
        unnamed=True,
    ),
    Runner(
        "snakemake",
        "run-snakemake",
        ACTIVE + "{bin}/snakemake --cores 1",
        ("snakemake",),
        {"Snakefile": SNAKEFILE, "sum.py": SNAKE},
        {"Snakefile": "rule all:\n    input: 'sum.py'\n"},
        None,
        shell=True,
        unnamed=True,
    ),
    Runner(
        "dbt build",
        "run-dbt",
        ACTIVE + "DBT_SEND_ANONYMOUS_USAGE_STATS=false {bin}/dbt build --profiles-dir .",
        ("dbt-core",),
        DBT,
        {"models/sums.sql": None, "tests/total.sql": None, "tests/none.sql": None, "readme.txt": ""},
        None,
        instead={
            FAILS: {"models/sums.sql": "select 1 + 2 as total\n"},
            OTHER: {"models/sums.sql": "select null as total\n"},
            IMPORT: {"models/sums.sql": "select * from {{ ref('no_such_model') }}\n"},
            CRASHES: {"models/sums.sql": "selec 6 as total\n"},
            EXITS: {"models/sums.sql": "select {{ total as total\n"},
        },
        shell=True,
        unnamed=True,
    ),
    checker("pyflakes", "{bin}/pyflakes app.py", "pyflakes", "import os\n\n\n" + GOOD, "import re\n\n\n" + GOOD, venv="run-lint"),
    checker("codespell", "{bin}/codespell .", "codespell", GOOD + "# teh sum\n", GOOD + "# recieve it\n", venv="run-lint", untold={NOTHING_THERE: "good", IMPORT: "good", CRASHES: "good", EXITS: "good"}),
    checker("pydocstyle", "{bin}/pydocstyle app.py", "pydocstyle", '"""Sums."""\n\n\n' + GOOD, GOOD.replace(":\n", ':\n    """Total it."""\n'), venv="run-lint", instead={"passes": {"app.py": '"""Sums."""\n\n\n' + GOOD.replace(":\n", ':\n    """Total it."""\n')}}),
    checker("deptry", "{bin}/deptry .", "deptry", "import click\n\n\n" + GOOD, "import attr\n\n\n" + GOOD, {"pyproject.toml": '[project]\nname = "sums"\nversion = "1"\ndependencies = []\n'}, venv="run-types", untold={NOTHING_THERE: "good", IMPORT: "good", CRASHES: "good", EXITS: "good"}),
)
