#!/bin/sh
# trial FOLDER TMPDIR: lays a tree out on this node, runs the command in it, and writes down in FOLDER what came of it.
# A file is there under its name only when it is whole; `result` comes last.
dir=$1 temporary=$2 place='' pid='' watch=''
PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
export PATH
umask 077

put() { cat > "$dir/$1.new" && mv "$dir/$1.new" "$dir/$1"; }
fail() { echo "$1" | put failed; exit 1; }
leave() {
    trap '' HUP INT TERM
    [ -z "$watch" ] || kill "$watch"
    [ -z "$pid" ] || kill -KILL "-$pid"
    [ -z "$place" ] || { cd / && chmod -R u+rwx "$place"; rm -rf "$place"; }
} 2>/dev/null
now() { date +%s%N; }
bytes() { echo $(($(wc -c < "$1"))); }
# Processes that the system ended here for want of memory.
memory() {
    two=$(sed -n 's/^0:://p' /proc/self/cgroup) one=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
    cat "/sys/fs/cgroup$two/memory.events" "/sys/fs/cgroup/memory$one/memory.oom_control" | sed -n 's/^oom_kill //p'
} 2>/dev/null
# What was printed: its beginning and its end.
keep() {
    if [ "$(bytes "$place/$1")" -le $((HEAD + TAIL)) ]; then
        cat "$place/$1"
    else
        head -c HEAD "$place/$1" && tail -c TAIL "$place/$1"
    fi | put "$1"
}

# One job only: not again where somebody has it run once more.
mkdir "$dir/begun" || exit 1
trap leave EXIT
trap 'exit 143' HUP INT TERM
uname -n > "$dir/begun/node"
began=$(now)
. "$dir/order" || exit 1
place=$(mktemp -d "$temporary/pybisect-XXXXXXXX" || mktemp -d /tmp/pybisect-XXXXXXXX) ||
    fail "no folder can be made in $temporary"
top=$place/top
{
    mkdir "$top" "$top/w" "$top/i" && umask 022 &&
        tar -C "$top" -x -o -m -f "$recipe/files.tar" &&
        { [ -z "$base" ] || tar -C "$top/w" -x -o -m -f "$base"; }
} || fail "the tree cannot be laid out in $place"
if [ -n "$tree" ]; then
    { cd "$top/w" && xargs -0 rm -rf -- < "$tree.gone" && tar -x -o -m -f "$tree.tar"; } ||
        fail "the tree cannot be laid out in $place"
fi
cd "$top" || exit 1

laid=$(now) before=$(memory)
(exec setsid /bin/sh -c '. "$1" && exec /bin/sh p/run' sh "$recipe/variables") \
    < /dev/null > "$place/stdout" 2> "$place/stderr" &
pid=$!
# Counted, and not read from a clock: a job that is suspended is not too slow.
(
    ticks=0
    while [ "$ticks" -lt "$limit" ]; do sleep 1; ticks=$((ticks + 1)); done
    : > "$place/overdue"
    kill -KILL "-$pid"
) < /dev/null > /dev/null 2>&1 &
watch=$!
wait "$pid"
code=$?
ended=$(now)
kill "$watch"
kill -KILL "-$pid" 2>/dev/null
pid='' watch=''

umask 077
cd "$top/i" && keep stdout && keep stderr || fail "what was printed cannot be written to $dir"
size=none
if [ -n "$outputs" ]; then
    eval "tar -c -f - $outputs" | put files.tar && size=$(bytes "$dir/files.tar")
fi
{
    echo "status $code"
    echo "stdout $(bytes "$place/stdout") $(bytes "$dir/stdout")"
    echo "stderr $(bytes "$place/stderr") $(bytes "$dir/stderr")"
    echo "files $size"
    echo "times $began $laid $ended"
    [ ! -e "$place/overdue" ] || echo overdue
    [ "$before" = "$(memory)" ] || echo memory
    head -c 4096 "$top/o/state" | sed 's/^/state /'
    echo end
} | put result
