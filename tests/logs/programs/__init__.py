"""Every program of the table."""

from programs import apis, frameworks, hosts, loggers, others, processes, retellers, servers, telemetry, workers

PROGRAMS = (*servers.PROGRAMS, *frameworks.PROGRAMS, *workers.PROGRAMS, *loggers.PROGRAMS, *processes.PROGRAMS, *others.PROGRAMS, *retellers.PROGRAMS, *telemetry.PROGRAMS, *hosts.PROGRAMS, *apis.PROGRAMS)
