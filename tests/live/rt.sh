#!/usr/bin/env bash
# A real Request Tracker 5 of one's own, on the loopback interface, in America/New_York.
#
#   rt.sh installed    whether this machine has it (exit code)
#   rt.sh install      from Debian's or Ubuntu's packages; wants root
#   rt.sh make         a fresh instance: SQLite, two queues, three users, a custom field for keys
#   rt.sh fill         tickets from JSON lines on the standard input; prints their numbers
#   rt.sh start|stop   the server; `start` returns when it answers
#
# Settings by environment: RT_HOME (a folder, made), RT_PORT, RT_ZONE, RT_WORKERS.  Nothing outside
# of RT_HOME is touched: RT reads the site configuration that the two exported variables name.
set -euo pipefail

RT_HOME=${RT_HOME:-$(cd "$(dirname "$0")/../.." && pwd)/.servers/rt}
RT_PORT=${RT_PORT:-8381}
RT_ZONE=${RT_ZONE:-America/New_York}
RT_WORKERS=${RT_WORKERS:-3}
SHARE=/usr/share/request-tracker5
export RT_SITE_CONFIG=$RT_HOME/RT_SiteConfig.pm RT_SITE_CONFIG_DIR=$RT_HOME/site.d

installed() {
  [ -x "$SHARE/libexec/rt-server" ] && command -v starman rt-setup-database-5 curl >/dev/null &&
    perl -MDBD::SQLite -e 1 2>/dev/null
}

install() {
  # dbconfig-no-thanks keeps debconf from making a database, msmtp-mta is no daemon.
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  apt-get install -y --no-install-recommends request-tracker5 rt5-db-sqlite rt5-standalone \
    libdbd-sqlite3-perl dbconfig-no-thanks msmtp-mta starman curl
}

configure() {
  mkdir -p "$RT_SITE_CONFIG_DIR"
  # Mail goes to a file.  BcryptCost 10 is the least RT takes: a log-in costs 0.07 s, not 0.3 s.
  cat >"$RT_SITE_CONFIG" <<PERL
Set(\$rtname, 'live.example');
Set(\$Organization, 'live.example');
Set(\$WebDomain, '127.0.0.1');
Set(\$WebPort, $RT_PORT);
Set(\$WebBaseURL, 'http://127.0.0.1:$RT_PORT');
Set(\$Timezone, '$RT_ZONE');
Set(\$DatabaseType, 'SQLite');
Set(\$DatabaseName, '$RT_HOME/rt.db');
Set(\$MailCommand, 'testfile');
Set(\$BcryptCost, 10);
Set(\$LogToSyslog, undef);
Set(\$LogToFile, undef);
Set(\$LogToSTDERR, 'error');
Set(\$RestrictReferrer, 0);
Set(\$WebSecureCookies, 0);
1;
PERL
  # `hub` has an ordinary account's rights in two queues and none in the third; `bob` may all.
  cat >"$RT_HOME/people.pl" <<'PERL'
@Users = (
    { Name => 'hub', Password => 'correct horse', EmailAddress => 'hub@example.org', RealName => 'The Hub', Privileged => 1 },
    { Name => 'bob', Password => 'correct horse', EmailAddress => 'bob@example.org', RealName => 'Bob', Privileged => 1 },
    { Name => 'jesse', Password => 'correct horse', EmailAddress => 'jesse@example.org', RealName => 'Jesse', Privileged => 1 },
);
@Queues = (
    { Name => 'Support', Description => 'seen by the hub' },
    { Name => 'Hidden', Description => 'not seen by the hub' },
);
@CustomFields = (
    { Name => 'HubID', Type => 'FreeformSingle', Queue => 0, Disabled => 0 },
    { Name => 'Tags', Type => 'FreeformMultiple', Queue => 0, Disabled => 0 },
    { Name => 'Severity', Type => 'FreeformSingle', Queue => 0, Disabled => 0 },
);
@ACL = (
    { UserId => 'bob', Right => 'SuperUser' },
    ( map { { GroupDomain => 'SystemInternal', GroupType => 'Privileged', Right => $_ } } qw(SeeCustomField ModifyCustomField) ),
);
for my $queue (qw(General Support)) {
    push @ACL, map { { GroupDomain => 'SystemInternal', GroupType => 'Privileged', Queue => $queue, Right => $_ } }
        qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ReplyToTicket CommentOnTicket ModifyTicket
           DeleteTicket OwnTicket TakeTicket StealTicket ReassignTicket Watch WatchAsAdminCc);
}
1;
PERL
}

make() {
  installed || { echo "request-tracker5 is not installed: rt.sh install" >&2; exit 77; }
  rm -rf "$RT_HOME"
  mkdir -p "$RT_HOME"
  configure
  printf 'correct horse\n' >"$RT_HOME/password"
  rt-setup-database-5 --action init --skip-create --root-password-file "$RT_HOME/password" >"$RT_HOME/make.log" 2>&1
  rt-setup-database-5 --action insert --datafile "$RT_HOME/people.pl" --skip-create >>"$RT_HOME/make.log" 2>&1
}

start() {
  cd "$RT_HOME"
  setsid starman --listen "127.0.0.1:$RT_PORT" --workers "$RT_WORKERS" \
    --pid "$RT_HOME/pid" --error-log "$RT_HOME/error.log" "$SHARE/libexec/rt-server" \
    >"$RT_HOME/out.log" 2>&1 </dev/null &
  for _ in $(seq 400); do
    [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$RT_PORT/REST/2.0/rt")" = 401 ] && return
    sleep 0.05
  done
  echo "RT does not answer on port $RT_PORT; see $RT_HOME/out.log" >&2
  exit 1
}

fill() {
  perl -I"$SHARE/lib" -MRT=-init "$(dirname "$0")/fill.pl"
}

stop() {
  [ -e "$RT_HOME/pid" ] || return 0
  kill "$(cat "$RT_HOME/pid")" 2>/dev/null || true
  for _ in $(seq 100); do
    [ -e "$RT_HOME/pid" ] || return 0
    sleep 0.05
  done
}

case ${1:-} in
  installed | install | make | start | stop | fill) "$1" ;;
  *) sed -n '2,11p' "$0" >&2; exit 2 ;;
esac
