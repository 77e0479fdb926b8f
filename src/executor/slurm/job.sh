#!/bin/sh
# A job of pybisect: job RUN BATCH. What Slurm brings of anybody's variables does not reach the trial.
exec env -i /bin/sh "$1/trial" "$2/${SLURM_ARRAY_TASK_ID:-0}" "${TMPDIR:-/tmp}"
