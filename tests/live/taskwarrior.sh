#!/usr/bin/env bash
# A real Taskwarrior of one's own: a folder of tasks and a taskrc; there is no server.
#
#   taskwarrior.sh installed    whether this machine has it (exit code)
#   taskwarrior.sh install      from Debian's or Ubuntu's packages; wants root
#   taskwarrior.sh make         an empty store, and a taskrc with an attribute for long texts
#   taskwarrior.sh fill N       N tasks with annotations; prints their uuids
#   taskwarrior.sh start|stop   nothing, for there is nothing to start
#
# Settings by environment: TASKWARRIOR_HOME (a folder, made).  Nothing outside of it is touched.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
TASKWARRIOR_HOME=${TASKWARRIOR_HOME:-$(cd "$HERE/../.." && pwd)/.servers/taskwarrior}
export TASKRC=$TASKWARRIOR_HOME/taskrc TZ=America/New_York
unset TASKDATA

installed() {
  command -v task python3 >/dev/null
}

install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  apt-get install -y --no-install-recommends taskwarrior
}

make() {
  installed || { echo "taskwarrior is not installed: taskwarrior.sh install" >&2; exit 77; }
  rm -rf "$TASKWARRIOR_HOME"
  mkdir -p "$TASKWARRIOR_HOME/data"
  cat >"$TASKRC" <<RC
data.location=$TASKWARRIOR_HOME/data
confirmation=off
news.version=3.4.2
uda.notes.type=string
uda.notes.label=Notes
RC
}

fill() {
  python3 - "${1:-50}" <<'PYTHON' >"$TASKWARRIOR_HOME/fill.json"
import json, random, sys, uuid

tasks = []
for n in range(int(sys.argv[1])):
    rnd = random.Random(n)
    words = rnd.choice(("crash", "login", "mail"))
    tasks.append({
        "uuid": str(uuid.uuid4()),
        "description": f"Ticket {n:03}: größe ☃ {words}",
        "notes": f"Text of {n}\n\nin two parts",
        "status": rnd.choice(("pending", "pending", "completed")),
        "priority": rnd.choice("HML"),
        "tags": [words],
        "annotations": [
            {"entry": f"20260101T0000{k:02}Z", "description": f"Comment {k} of {n} 東京"}
            for k in range(rnd.randint(0, 3))
        ],
    })
json.dump(tasks, sys.stdout, ensure_ascii=False)
PYTHON
  task rc.verbose=nothing import - <"$TASKWARRIOR_HOME/fill.json" | awk '/^ add /{print $2}'
}

case ${1:-} in
  installed | install | make | fill) "$@" ;;
  start | stop) ;;
  *) sed -n '2,10p' "$0" >&2; exit 2 ;;
esac
