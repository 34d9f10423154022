"""F6 to F9: what changed is told, whatever the second, the clock, the zone and the page."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.test_bugzilla import URL as BUGZILLA
from connectors.test_bugzilla import BugzillaSandbox
from connectors.test_hiveminder import Place as Hiveminder
from connectors.test_redmine import URL as REDMINE
from connectors.test_redmine import RedmineSandbox
from connectors.test_roundup import Place as Roundup
from prophet_hub.sdk import Checkpoint, Pull, Ref
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.serve import within

ZONES = [f"Etc/GMT{hours:+d}" for hours in (12, 11, 8, 5, 3, 1, 0, -1, -3, -8, -12, -14)]
SUMMER_ENDS = datetime(
    2026, 11, 1, 4, 30, tzinfo=UTC
).timestamp()  # in New York; half past midnight


class Watch:
    """Who pulls a tracker, and what of it was changed and not told since.

    Attributes:
        changed: Tickets that changed since they were told last.
        told: How often each was told.
    """

    def __init__(self, place):
        self.place, self.cursor = place, ""
        self.changed, self.told = set(), {}

    def make(self, n):
        self.changed.add(ticket := self.place.make(self.place.new(n)))
        return ticket

    def edit(self, ticket, text):
        self.place.edit(ticket, self.place.title.theirs, text)
        self.changed.add(ticket)

    def pull(self, between=lambda _: None):
        """Pulls to the end; `between` acts after each ticket that is told."""
        news = []
        for item in self.place.connector.changed(Pull(since=self.cursor)):
            if isinstance(item, Checkpoint):
                self.cursor = item.cursor
                continue
            ticket = item.id if isinstance(item, Ref) else item.ref.id
            news.append(ticket)
            self.changed.discard(ticket)
            self.told[ticket] = self.told.get(ticket, 0) + 1
            between(ticket)
        return news


@contextmanager
def redmine(page=4, **settings):
    place = RedmineSandbox(**settings)
    place.fake.most = page
    with within(place.faulty, REDMINE):
        yield Watch(place)
    place.close()


def test_a_thousand_tickets_in_one_second_over_several_pulls_are_all_told():
    with redmine(page=100, overlap=0) as watch:
        made = []
        for _ in range(3):
            made += [watch.make(n) for n in range(334)]
            for ticket in made[::7]:
                watch.edit(ticket, f"edited, {len(made)} there")
            watch.pull()
        watch.place.advance(1)
        watch.edit(made[0], "a second later")
        for _ in range(2):
            watch.place.settle()
            watch.pull()
        assert watch.changed == set(), f"{len(watch.changed)} changes of one second were lost"
        assert watch.pull() == [], "what is known is told again in every run"


@pytest.mark.parametrize("off", [-86_400, -600, 0, 600, 86_400])
def test_the_hubs_clock_may_be_off_by_minutes_or_by_days(off):
    """A ticket is changed once more in the very second in which it was listed."""
    with redmine() as watch:
        place = watch.place
        clock = ManualClock(place.now() + timedelta(seconds=off))
        place.connector.http.clock = clock
        tickets = [watch.make(n) for n in range(3)]
        watch.pull()
        watch.edit(tickets[1], "in the same second")
        place.advance(1)
        watch.pull()
        assert watch.changed == set(), f"lost with a clock that is off by {off} s"
        place.settle()
        watch.pull()
        assert watch.pull() == [], f"told over and over with a clock that is off by {off} s"


def test_a_database_in_another_zone_than_its_server_tells_nothing_over_and_over():
    """Bugzilla tells the time of its database five hours off, and that of its web server right."""
    place = BugzillaSandbox()
    with within(place.faulty, BUGZILLA):
        watch = Watch(place)
        for n in range(3):
            watch.make(n)
        watch.pull()
        place.settle()
        watch.pull()
        assert watch.pull() == [], "told over and over: the clock is that of another zone"
        assert watch.changed == set()


@pytest.mark.parametrize("zones", [ZONES, ["America/New_York", "Europe/Berlin"]])
def test_whatever_the_zone_of_the_account_changes_are_told_and_told_once(zones):
    """Roundup reads a question in the zone of the account; also when summer ends there."""
    for zone in zones:
        with ExitStack() as stack:
            place = Roundup(stack)
            stack.callback(lambda place=place: place.connector.close())
            place.app.zone = ZoneInfo(zone)
            place.tracker.now = int(SUMMER_ENDS)
            watch = Watch(place)
            old = watch.make(0)
            watch.pull()
            ticket = watch.make(1)
            for _ in range(8):
                watch.pull()
                place.advance(1800)
                watch.edit(ticket, f"at {place.now()}")
            place.settle()
            watch.pull()
            assert watch.changed == set(), f"a change was not found from {zone}"
            watch.pull()
            assert watch.told[old] <= 3, f"told {watch.told[old]} times for a zone like {zone}"
            assert watch.pull() == []


@pytest.mark.parametrize("zones", [ZONES, ["America/New_York"]])
def test_whatever_the_zone_in_which_times_are_told_they_are_the_trackers(zones):
    """Hiveminder tells local times and names no zone; the hour that summer's end repeats runs on."""
    for zone in zones:
        with ExitStack() as stack:
            place = Hiveminder(stack)
            place.app.zone = zone
            place.tracker.now = int(SUMMER_ENDS)
            ticket = place.make(place.new())
            times = []
            for n in range(4):
                place.advance(1800)
                times.append(place.now())
                place.edit(ticket, "summary", f"Edit {n}")
            shown = place.connector.ticket(Ref(id=ticket))
            assert [event.created for event in shown.events] == times, f"other times from {zone}"


def test_a_writer_who_shifts_the_pages_hides_nothing():
    """While page after page is read, what was read moves to the end, or goes."""
    with redmine() as watch:
        place = watch.place
        tickets = []
        for n in range(24):
            tickets.append(watch.make(n))
            place.advance(60)
        met = []

        def between(ticket):
            met.append(ticket)
            place.advance(60)
            if len(met) % 3 == 0 and len(met) < 30:
                watch.edit(met[-2], f"moved, {len(met)} met")
            if len(met) % 4 == 0 and len(met) < 20:
                place.delete(met[-3])
                watch.changed.discard(met[-3])

        watch.pull(between)
        assert set(tickets) <= set(met), f"{len(set(tickets) - set(met))} slipped between pages"
        place.settle()
        watch.pull(), watch.pull()
        assert watch.changed == set()
