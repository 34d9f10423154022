#!/usr/bin/env bash
# A real Redmine 5 of one's own, on the loopback interface, in America/New_York.
#
#   redmine.sh installed    whether this machine has it (exit code)
#   redmine.sh install      from Debian's packages; wants root
#   redmine.sh make         a fresh tenant: SQLite, three projects, four users, three custom fields
#   redmine.sh fill N       N issues with their stories, written beside the server
#   redmine.sh start|stop   the server; `start` returns when it answers
#
# Settings by environment: REDMINE_HOME (a folder, made), REDMINE_PORT, REDMINE_ZONE, REDMINE_MARKUP
# (textile, markdown, common_mark).  Nothing outside of REDMINE_HOME is touched: Debian finds a tenant
# below `instances`, by a name that may lead out of there, and the bundle is one of our own.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
REDMINE_HOME=${REDMINE_HOME:-$(cd "$HERE/../.." && pwd)/.servers/redmine}
REDMINE_PORT=${REDMINE_PORT:-8382}
SHARE=/usr/share/redmine
export REDMINE_MARKUP=${REDMINE_MARKUP:-textile}
export TZ=${REDMINE_ZONE:-America/New_York} RAILS_ENV=production REDMINE_LANG=en SCHEMA=/dev/null
export RUBYOPT=-W0 BUNDLE_GEMFILE=$REDMINE_HOME/Gemfile
# However deep Debian's `instances` lies, and wherever it links to: above the root is the root.
export REDMINE_INSTANCE=../../../../../../..$REDMINE_HOME

installed() {
  command -v puma bundle curl >/dev/null && [ -e "$SHARE/config.ru" ] && ruby -e 'require "sqlite3"' 2>/dev/null
}

install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  apt-get install -y --no-install-recommends redmine redmine-sqlite ruby-sqlite3 puma curl
}

configure() {
  mkdir -p "$REDMINE_HOME"/{config,files,log,tmp/cache,tmp/pids,public/plugin_assets}
  # The Gemfile of the package takes database drivers from the tenants that it finds; ours it does not.
  cat >"$BUNDLE_GEMFILE" <<RUBY
eval_gemfile '$SHARE/Gemfile'
gem 'sqlite3', '~> 1.4' unless dependencies.any? { |d| d.name == 'sqlite3' }
RUBY
  cat >"$REDMINE_HOME/config/database.yml" <<YML
production:
  adapter: sqlite3
  database: $REDMINE_HOME/redmine.db
  timeout: 20000
YML
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$REDMINE_HOME/config/secret_key.txt"
}

make() {
  installed || { echo "redmine is not installed: redmine.sh install" >&2; exit 77; }
  rm -rf "$REDMINE_HOME"
  mkdir -p "$REDMINE_HOME"
  configure
  cd "$SHARE"
  {
    bundle install --local --quiet
    # Two processes: in one, the class of roles does not know its newest columns.
    bundle exec rake db:migrate
    bundle exec rake redmine:load_default_data
    bundle exec rails runner "$HERE/redmine_people.rb"
  } >"$REDMINE_HOME/make.log" 2>&1 || { tail -5 "$REDMINE_HOME/make.log" >&2; exit 1; }
}

start() {
  cd "$SHARE"
  # Not under `bundle exec`: puma is no part of Redmine's bundle.
  setsid puma -e production -b "tcp://127.0.0.1:$REDMINE_PORT" -t 1:5 --pidfile "$REDMINE_HOME/pid" \
    config.ru >"$REDMINE_HOME/out.log" 2>&1 </dev/null &
  for _ in $(seq 600); do
    curl -fs -o /dev/null "http://127.0.0.1:$REDMINE_PORT/projects.json" && return
    sleep 0.1
  done
  echo "Redmine does not answer on port $REDMINE_PORT; see $REDMINE_HOME/out.log" >&2
  exit 1
}

fill() {
  cd "$SHARE"
  COUNT=${1:-2000} bundle exec rails runner "$HERE/redmine_fill.rb"
}

stop() {
  [ -e "$REDMINE_HOME/pid" ] || return 0
  pid=$(cat "$REDMINE_HOME/pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 200); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.05
  done
}

case ${1:-} in
  installed | install | make | start | stop | fill) "$@" ;;
  *) sed -n '2,14p' "$0" >&2; exit 2 ;;
esac
