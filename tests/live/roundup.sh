#!/usr/bin/env bash
# A real Roundup 2.6 of one's own, on the loopback interface, in America/New_York.
#
#   roundup.sh installed    whether there is one in ROUNDUP_VENV (exit code)
#   roundup.sh install      from PyPI, into a virtual environment of its own
#   roundup.sh make         a fresh tracker from the template `classic`: SQLite, four users
#   roundup.sh fill N       N issues with messages and files, written beside the server
#   roundup.sh start|stop   the server; `start` returns when it answers
#
# Settings by environment: ROUNDUP_HOME (a folder, made), ROUNDUP_PORT, ROUNDUP_ZONE, ROUNDUP_VENV.
# Roundup does not serve as root: then it serves as `nobody`, who must be able to reach ROUNDUP_HOME.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
SERVERS=$(cd "$HERE/../.." && pwd)/.servers
ROUNDUP_HOME=${ROUNDUP_HOME:-$SERVERS/roundup}
ROUNDUP_PORT=${ROUNDUP_PORT:-8383}
ROUNDUP_ZONE=${ROUNDUP_ZONE:-America/New_York}
ROUNDUP_VENV=${ROUNDUP_VENV:-$SERVERS/roundup-venv}
BIN=$ROUNDUP_VENV/bin
TRACKER=$ROUNDUP_HOME/tracker
URL=http://127.0.0.1:$ROUNDUP_PORT/tracker/

installed() {
  [ -x "$BIN/roundup-server" ] && command -v curl >/dev/null && "$BIN/python" -c 'import pytz' 2>/dev/null
}

install() {
  python3 -m venv "$ROUNDUP_VENV"
  "$BIN/pip" install --quiet 'roundup>=2.6,<2.7' pytz # without pytz it knows no zone by name
}

make() {
  installed || { echo "roundup is not installed: roundup.sh install" >&2; exit 77; }
  rm -rf "$ROUNDUP_HOME"
  mkdir -p "$ROUNDUP_HOME"
  {
    # Else some wrong passwords, which the contract tries, would keep the right one out.
    "$BIN/roundup-admin" -i "$TRACKER" install classic sqlite \
      "tracker_web=$URL,mail_domain=example.org,mail_host=localhost,mail_debug=$TRACKER/mail.log,timezone=$ROUNDUP_ZONE,web_login_attempts_min=0"
    people
    "$BIN/roundup-admin" -i "$TRACKER" initialise 'correct horse'
    # `hub` has an ordinary account's rights and may retire issues; `bob` may do everything.
    for name in hub jesse eve; do user "$name" User; done
    user bob User,Admin
  } >"$ROUNDUP_HOME/make.log" 2>&1 || { tail -5 "$ROUNDUP_HOME/make.log" >&2; exit 1; }
  own
}

people() {
  # What has the keyword `hidden` is seen by administrators alone.
  sed -i "s/^for cl in 'issue', 'file', 'msg', 'keyword':\$/for cl in 'file', 'msg', 'keyword':/" \
    "$TRACKER/schema.py"
  cat >>"$TRACKER/schema.py" <<'PYTHON'


def open_issue(db, userid, itemid):
    names = [db.keyword.get(k, 'name') for k in db.issue.get(itemid, 'keyword')]
    return 'hidden' not in names


seen = db.security.addPermission(name='View', klass='issue', check=open_issue)
db.security.addPermissionToRole('User', seen)
db.security.addPermission(name='Search', klass='issue')
for name in 'Search', 'Create', 'Edit', 'Retire':
    db.security.addPermissionToRole('User', name, 'issue')
PYTHON
}

user() {
  "$BIN/roundup-admin" -i "$TRACKER" create user "username=$1" 'password=correct horse' \
    "address=$1@example.org" "realname=${1^}" "roles=$2"
}

own() {
  if [ "$(id -u)" = 0 ]; then chown -R nobody "$TRACKER"; fi
}

start() {
  local as=()
  if [ "$(id -u)" = 0 ]; then as=(-u nobody); fi
  cd "$ROUNDUP_HOME"
  setsid "$BIN/roundup-server" "${as[@]}" -n 127.0.0.1 -p "$ROUNDUP_PORT" "tracker=$TRACKER" \
    >"$ROUNDUP_HOME/out.log" 2>&1 </dev/null &
  echo $! >"$ROUNDUP_HOME/pid"
  for _ in $(seq 200); do
    curl -fs -o /dev/null "${URL}@@file/style.css" && return
    sleep 0.1
  done
  echo "Roundup does not answer on port $ROUNDUP_PORT; see $ROUNDUP_HOME/out.log" >&2
  exit 1
}

fill() {
  "$BIN/python" "$HERE/roundup_fill.py" "$TRACKER" "${1:-50}"
  own
}

stop() {
  [ -e "$ROUNDUP_HOME/pid" ] || return 0
  pid=$(cat "$ROUNDUP_HOME/pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 200); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.05
  done
}

case ${1:-} in
  installed | install | make | start | stop | fill) "$@" ;;
  *) sed -n '2,12p' "$0" >&2; exit 2 ;;
esac
