#!/usr/bin/env bash
# A real Trac 1.6 of one's own, on the loopback interface, in America/New_York.
#
#   trac.sh installed    whether there is one, with its plugin, in TRAC_VENV (exit code)
#   trac.sh install      from PyPI, into a virtual environment of its own
#   trac.sh make         a fresh environment: SQLite, four users, a custom field for keys
#   trac.sh fill N       N tickets with comments and files, written beside the server
#   trac.sh start|stop   the server; `start` returns when it answers
#
# Settings by environment: TRAC_HOME (a folder, made), TRAC_PORT, TRAC_ZONE, TRAC_VENV.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
SERVERS=$(cd "$HERE/../.." && pwd)/.servers
TRAC_HOME=${TRAC_HOME:-$SERVERS/trac}
TRAC_PORT=${TRAC_PORT:-8384}
TRAC_ZONE=${TRAC_ZONE:-America/New_York}
TRAC_VENV=${TRAC_VENV:-$SERVERS/trac-venv}
BIN=$TRAC_VENV/bin
SITE=$TRAC_HOME/site

installed() {
  [ -x "$BIN/tracd" ] && command -v curl >/dev/null && "$BIN/python" -W ignore -c 'import tracrpc, pytz' 2>/dev/null
}

install() {
  python3 -m venv "$TRAC_VENV"
  # Trac 1.6 needs pkg_resources, which setuptools 81 has no more; pytz so that it knows the zone.
  "$BIN/pip" install --quiet 'setuptools<81' wheel 'Trac>=1.6,<1.7' multipart pytz fissix
  # The plugin on PyPI is written in Python 2.
  source=$(mktemp -d)
  trap 'rm -rf "$source"' EXIT
  "$BIN/pip" download --quiet --no-deps --no-binary :all: --no-build-isolation \
    --dest "$source" 'TracXMLRPC==1.1.9'
  tar -xzf "$source"/*.tar.gz -C "$source" --strip-components 1
  "$BIN/python" "$HERE/trac_port.py" "$source"
  "$BIN/pip" install --quiet --no-deps --no-build-isolation "$source"
}

make() {
  installed || { echo "Trac is not installed: trac.sh install" >&2; exit 77; }
  rm -rf "$TRAC_HOME"
  mkdir -p "$TRAC_HOME"
  {
    "$BIN/trac-admin" "$SITE" initenv Live sqlite:db/trac.db
    "$BIN/python" "$HERE/trac_site.py" make "$SITE" "$TRAC_ZONE"
    "$BIN/trac-admin" "$SITE" upgrade --no-backup
  } >"$TRAC_HOME/make.log" 2>&1 || { tail -5 "$TRAC_HOME/make.log" >&2; exit 1; }
}

fill() {
  "$BIN/python" -W ignore "$HERE/trac_site.py" fill "$SITE" "${1:-50}"
}

start() {
  cd "$TRAC_HOME"
  TZ=$TRAC_ZONE setsid "$BIN/tracd" --hostname=127.0.0.1 --port="$TRAC_PORT" --single-env \
    --basic-auth="site,$SITE/htpasswd,live" "$SITE" >"$TRAC_HOME/out.log" 2>&1 </dev/null &
  echo $! >"$TRAC_HOME/pid"
  for _ in $(seq 200); do
    curl -fs -o /dev/null "http://127.0.0.1:$TRAC_PORT/about" && return
    sleep 0.1
  done
  echo "Trac does not answer on port $TRAC_PORT; see $TRAC_HOME/out.log" >&2
  exit 1
}

stop() {
  [ -e "$TRAC_HOME/pid" ] || return 0
  pid=$(cat "$TRAC_HOME/pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 200); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.05
  done
}

case ${1:-} in
  installed | install | make | fill | start | stop) "$@" ;;
  *) sed -n '2,11p' "$0" >&2; exit 2 ;;
esac
