#!/usr/bin/env bash
# A Slurm cluster of this machine, on loopback, for tests:
#   slurm.sh start FOLDER    starts it and prints its configuration, for SLURM_CONF; installs it when it is not there
#   slurm.sh stop FOLDER     stops it
# All that it keeps lies in FOLDER. munge, which signs its messages, is left running: one serves all clusters of a machine.
set -euo pipefail
what=${1:?start or stop} folder=${2:?folder}
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$folder"
folder=$(cd "$folder" && pwd -P)
conf=$folder/slurm.conf
socket=/run/munge/munge.socket.2

runs() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

stop() {
    for name in slurmd slurmctld; do
        if runs "$folder/$name.pid"; then
            local pid
            pid=$(cat "$folder/$name.pid")
            kill "$pid"
            for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
            kill -9 "$pid" 2>/dev/null || true
        fi
        rm -f "$folder/$name.pid"
    done
}

if [ "$what" = stop ]; then
    stop
    exit
fi

for program in munged slurmctld slurmd sbatch; do
    if ! command -v "$program" >/dev/null; then
        # Nobody starts what is installed but this script.
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
            munge slurmctld slurmd slurm-client; } >&2
        break
    fi
done
# Without systemd nobody has made the socket's folder; after a crash the socket is there, and nobody behind it.
if ! timeout 5 munge -n -S "$socket" >/dev/null 2>&1; then
    [ -s /etc/munge/munge.key ] || { mungekey --create 2>/dev/null || create-munge-key; } >&2
    install -d -o munge -g munge -m 755 /run/munge
    install -d -o munge -g munge -m 700 /var/lib/munge /var/log/munge
    rm -f "$socket" "$socket.lock"
    runuser -u munge -- "$(command -v munged)" --force --socket="$socket" >&2
    for _ in $(seq 50); do timeout 5 munge -n -S "$socket" >/dev/null 2>&1 && break; sleep 0.1; done
fi

stop
mkdir -p "$folder"/{state,spool,log}
read -r controller node < <(python3 - <<'PYTHON'
import socket
sockets = [socket.socket() for _ in range(2)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in sockets))
PYTHON
)
memory=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024 / 2))
cat > "$conf" <<CONF
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$socket
CryptoType=crypto/munge
SlurmctldPort=$controller
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
KillWait=2
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SchedulerParameters=sched_interval=1,sched_min_interval=1000,batch_sched_delay=0,bf_interval=1
SlurmdParameters=config_overrides
NodeName=localhost NodeAddr=127.0.0.1 Port=$node CPUs=${CPUS:-4} RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=ALL MaxTime=1 State=UP
CONF
export SLURM_CONF=$conf
slurmctld -c -f "$conf" >&2
slurmd -c -f "$conf" -N localhost >&2
for _ in $(seq 100); do
    if [ "$(sinfo --noheader --partition=main --format=%T 2>/dev/null)" = idle ]; then
        echo "$conf"
        exit 0
    fi
    sleep 0.1
done
tail -5 "$folder"/log/*.log >&2
stop
exit 1
