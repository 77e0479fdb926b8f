"""Every program of the table."""

from programs import frameworks, loggers, others, processes, servers, workers

PROGRAMS = (*servers.PROGRAMS, *frameworks.PROGRAMS, *workers.PROGRAMS, *loggers.PROGRAMS, *processes.PROGRAMS, *others.PROGRAMS)
