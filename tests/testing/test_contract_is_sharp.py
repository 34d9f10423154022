"""Every check of the contract is turned red by a connector or a tracker broken on purpose.

A row is a check and one or more breakages; a breakage says what knobs the healthy one has, under
which the check passes, and what is broken then.
"""

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import pytest

from prophet_hub.errors import (
    AuthFailed,
    Garbled,
    HubError,
    NotFound,
    RateLimited,
    Rejected,
    RemoteError,
    Transient,
    Unsure,
)
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Checkpoint,
    Create,
    Delete,
    Event,
    Field,
    FieldChange,
    Gone,
    History,
    Kind,
    ListedTicket,
    Person,
    Pull,
    Receipt,
    Ref,
    SchemaField,
    SetChange,
    Ticket,
    Update,
)
from prophet_hub.testing import (
    MEMORY_FIELDS,
    ConnectorContract,
    Knobs,
    MemoryConnector,
    MemorySandbox,
    MemorySettings,
    instant,
)

# --- how things are broken -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """A connector class, or a change to a sandbox that was healthy until then."""

    make: type = MemoryConnector
    healthy: type = MemoryConnector
    knobs: Knobs = field(default_factory=lambda: Knobs(page=2))
    after: object = None

    def sandbox(self):
        broken = MemorySandbox(self.knobs, self.make)
        if self.after:
            self.after(broken)
        return broken


def connector(knobs=None, **members):
    """Members in place of the healthy ones."""
    make = type("Broken", (MemoryConnector,), members)
    return Breakage(make=make, **({"knobs": knobs} if knobs else {}))


def shows(change, knobs=None):
    """Tickets are told otherwise."""

    def ticket(self, ref):
        told = MemoryConnector.ticket(self, ref)
        return change(told) if isinstance(told, Ticket) else told

    return connector(knobs, ticket=ticket)


def shows_fields(change, knobs=None):
    return shows(lambda t: replace(t, fields=change(dict(t.fields))), knobs)


def shows_events(change, knobs=None):
    return shows(lambda t: replace(t, events=tuple(change(list(t.events)))), knobs)


def shows_comments(change, knobs=None):
    return shows(lambda t: replace(t, comments=tuple(change(c) for c in t.comments)), knobs)


def pulls(change, knobs=None):
    """Listings are told otherwise."""

    def changed(self, pull):
        return change(self, pull, MemoryConnector.changed(self, pull))

    return connector(knobs, changed=changed)


def lists(change):
    """The listing in pages is told otherwise."""

    def listed(self, pull):
        return iter(change(list(MemoryConnector.listed(self, pull))))

    return connector(listed=listed)


def one_by_one(self, pull):
    for line in MemoryConnector.listed(self, pull):
        yield MemoryConnector.ticket(self, line.ref)


EVERY_NUMBER = [
    ListedTicket(ref=Ref(id=str(n)), told=frozenset(), fields={}) for n in range(1, 100)
]


def sends(change, knobs=None):
    """Operations are changed on their way; None is not sent."""

    def apply(self, operation):
        sent = change(operation)
        return MemoryConnector.apply(self, sent) if sent else Receipt(ref=operation.ref)

    return connector(knobs, apply=apply)


def says(name, kind, instead, knobs=None):
    """A method that ends with an error of one kind does something else."""

    def method(self, *words):
        try:
            return getattr(MemoryConnector, name)(self, *words)
        except kind as error:
            return instead(self, words, error)

    return connector(knobs, **{name: method})


def fails(error):
    raise error


def without(*names):
    return lambda fields: {k: v for k, v in fields.items() if k not in names}


class Shouting(Field):
    def decode(self, theirs):
        return theirs.upper()


def row(make=Field, **words):
    """The table has one more row, or another one of a name."""
    new = make(**{"theirs": "status", "ours": "status", "kind": Kind.WORD, **words})
    rest = tuple(r for r in MEMORY_FIELDS if new.theirs != r.theirs and new.ours != r.ours)

    def made(self, settings, context=None):
        MemoryConnector.__init__(self, replace(settings, fields=(*rest, new)), context)

    return connector(__init__=made)


def described(change, knobs=None):
    return connector(knobs, describe=lambda self: change(MemoryConnector.describe(self)))


WORKFLOW = Knobs(
    page=2,
    offers=True,
    allowed={"status": ("new", "open", "closed", "reviewed")},
    transitions={"status": {"new": ("open", "closed"), "open": ("new", "reviewed")}},
    requires={"status": {"closed": ("owner",)}},
)


TRAC = Knobs(page=2, dialect="trac")
REFERS = Knobs(page=2, refers=True)
REMARKS = Knobs(page=2, comment_limit=1000)


def numbered(kind):
    """Comments or files are numbered within their ticket."""

    def change(ticket):
        parts = enumerate(getattr(ticket, kind), 1)
        named = tuple(replace(one, ref=replace(one.ref, id=str(n))) for n, one in parts)
        return replace(ticket, **{kind: named})

    return shows(change)


def refers(**words):
    """References are found otherwise."""

    def made(self, settings, context=None):
        MemoryConnector.__init__(self, settings, context)
        self.references = replace(self.references, **words)

    return connector(REFERS, __init__=made)


class Short(MemoryConnector):
    """Its titles have a limit."""

    def __init__(self, settings, context=None):
        super().__init__(settings, context)
        title = self.fields.ours("summary")
        self.fields = self.fields.extended([replace(title, limit=100)])


def takes(**knobs):
    """The tracker takes less than was said."""

    def after(sandbox):
        sandbox.tracker.knobs = replace(sandbox.tracker.knobs, **knobs)

    return after


def declares(**promises):
    """The connector declares something else."""

    def after(sandbox):
        told = sandbox.connector.capabilities
        sandbox.connector.capabilities = replace(told, **promises)

    return after


def in_bytes(most):
    return lambda field, text: text.encode()[:most].decode(errors="ignore")


def statusless(operation):
    """A status is dropped in silence."""
    if isinstance(operation, Update):
        return replace(operation, changes=without("status")(operation.changes))
    return operation


def by_halves(self, operation):
    """What beside the status is to change goes first."""
    if isinstance(operation, Update) and "status" in operation.changes:
        MemoryConnector.apply(self, statusless(operation))
        changes = {"status": operation.changes["status"]}
        operation = replace(operation, changes=changes, version="")
    return MemoryConnector.apply(self, operation)


def ascii_only(text):
    return text.encode("ascii", "replace").decode()


# --- breakages that need more than a line -----------------------------------------------------------------


def walks_by_number(self, pull):
    """Page n holds what stands at n times the page size *now*."""
    offset = 0
    while page := self.tracker.listing(int(pull.since) if pull.since else None)[offset:][:2]:
        for _, item in page:
            yield self.tracker.ticket(item.id) if item.gone else Ref(id=item.id)
        offset += 2
    yield Checkpoint(cursor=str(self.tracker.now))


def trusts_its_pages(self, pull):
    """Goes on as long as pages are full."""
    place, page = (-1, -1), [None, None]
    while len(page) == 2:
        ask = partial(self._page, None, place, "")
        _, (page, _) = self._request("GET", "/changed", ask)
        for stamp, number, told in page:
            place = stamp, number
            yield told
    yield Checkpoint(cursor=str(self.tracker.now))


def remembers_cursors(self, pull, items):
    cursors = self.__dict__.setdefault("cursors", {})
    since = cursors.get(pull.since, "" if not pull.since else str(self.tracker.now + 1))
    for item in MemoryConnector.changed(self, Pull(since=since)):
        if isinstance(item, Checkpoint):
            cursors[f"c{len(cursors)}"] = item.cursor
            yield Checkpoint(cursor=f"c{len(cursors) - 1}")
        else:
            yield item


def remembers_its_walk(self, pull):
    self.__dict__.setdefault("walk", iter(list(MemoryConnector.changed(self, pull))))
    while True:
        item = next(self.walk, None)
        if item is None:
            del self.walk
            return
        yield item


def never_touched(door):
    """A tracker that does not count one sort of change as one."""

    def after(sandbox):
        healthy = getattr(sandbox.tracker, door)

        def quiet(author, ticket, *words, **more):
            stamps = list(sandbox.tracker.items[ticket].stamps)
            made = healthy(author, ticket, *words, **more)
            sandbox.tracker.items[ticket].stamps[:] = stamps
            return made

        setattr(sandbox.tracker, door, quiet)

    return Breakage(knobs=Knobs(page=2), after=after)


def in_two_threads(self, ref):
    self.asked = ref
    time.sleep(0.001)
    return MemoryConnector.ticket(self, self.asked)


def first_page_only(self, pull, items):
    told = list(items)
    yield from told[:2]
    yield told[-1]


def cursor_of(make):
    """All cursors are of another making."""

    def change(self, pull, items):
        for item in items:
            yield Checkpoint(cursor=make(self, item)) if isinstance(item, Checkpoint) else item

    return change


def hidden_are_gone(self, pull, items):
    for item in self.tracker.items.values():
        if item.hidden:
            yield Gone(ref=Ref(id=item.id))
    yield from items


def ends_well(self, pull, items):
    try:
        yield from items
    except HubError:
        yield Checkpoint(cursor=str(self.tracker.now))


def same_create_once(self, operation):
    made = self.__dict__.setdefault("made", {})
    if isinstance(operation, Create):
        what = str(sorted(operation.fields.items()))
        if what not in made:
            made[what] = MemoryConnector.apply(self, operation)
        return made[what]
    return MemoryConnector.apply(self, operation)


def whole_sets(self, operation):
    """Sets are written whole, as they were believed to be."""
    if isinstance(operation, Update) and (operation.added or operation.removed):
        for name in {*operation.added, *operation.removed}:
            old = operation.before.get(name, frozenset())
            new = (old | operation.added.get(name, frozenset())) - operation.removed.get(
                name, set()
            )
            self.tracker.update("hub", operation.ref.id, {name: frozenset(new)})
        return Receipt(ref=operation.ref)
    return MemoryConnector.apply(self, operation)


def edits_by_making_anew(self, operation):
    ref = operation.ref
    if isinstance(operation, Update) and ref.kind == COMMENT:
        self.tracker.delete_comment("hub", ref.ticket, ref.id)
        self.tracker.comment("hub", ref.ticket, operation.changes["body"])
        return Receipt(ref=ref)
    return MemoryConnector.apply(self, operation)


def asks_first(self, operation):
    self.describe()
    return MemoryConnector.apply(self, operation)


def reads_first(self, operation):
    if isinstance(operation, Create) and operation.content:
        b"".join(operation.content())
    return MemoryConnector.apply(self, operation)


def cuts(size):
    """Texts are cut off in silence."""

    def change(operation):
        if isinstance(operation, Create):
            fields = {k: v[:size] if isinstance(v, str) else v for k, v in operation.fields.items()}
            return replace(operation, fields=fields)
        if isinstance(operation, Update):
            changed = {k: v and v[:size] for k, v in operation.changes.items()}
            return replace(operation, changes=changed)
        return operation

    return change


def field_sent(change):
    """The fields of creates and the changes of updates are another thing."""

    def changing(operation):
        if isinstance(operation, Create):
            return replace(operation, fields=change(dict(operation.fields)))
        if isinstance(operation, Update):
            return replace(operation, changes=change(dict(operation.changes)))
        return operation

    return changing


def only_if(kind, change):
    return lambda operation: change(operation) if isinstance(operation, kind) else operation


def not_deleted(operation):
    return None if isinstance(operation, Delete) else operation


def unversioned(operation):
    return operation if isinstance(operation, Create) else replace(operation, version="")


def keyless(operation):
    return replace(operation, key="") if isinstance(operation, Create) else operation


def repeats_all(self, method, path, act):
    for _ in range(3):
        try:
            return self._sent(method, path, act)
        except (Transient, Unsure):
            continue
    return self._sent(method, path, act)


def repeats_for_ever(self, method, path, act):
    for _ in range(40):
        try:
            return self._sent(method, path, act)
        except (Transient, AuthFailed, RateLimited):
            continue
    return self._sent(method, path, act)


def gives_up(self, method, path, act):
    return self._sent(method, path, act)


def closes_once(self):
    if self.__dict__.get("closed"):
        raise StoreClosed("It is closed.")
    self.closed = True


class StoreClosed(HubError):
    pass


def sends_at_once(self, settings, context=None):
    MemoryConnector.__init__(self, settings, context)
    self.tracker.requests += 1


def mails(sandbox):
    sandbox.tracker.knobs = replace(sandbox.tracker.knobs, mentions=True)


def allows_all(sandbox):
    sandbox.tracker.knobs = replace(sandbox.tracker.knobs, allowed={})


def promises_too_much(sandbox):
    told = sandbox.connector.capabilities
    sandbox.connector.capabilities = replace(told, writes=frozenset({("move", "ticket")}))


def no_news(operation):
    if isinstance(operation, Update) and operation.before and operation.changes == operation.before:
        raise Rejected("It is so already.")
    return operation


def leaks(self):
    if self.tracker.passwords["hub"] != self.settings.password:
        raise AuthFailed(f"{self.settings.password!r} was refused.")
    return MemoryConnector.whoami(self)


def born_otherwise(operation):
    if isinstance(operation, Create):
        return replace(operation, author=None, created=None)
    return operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Careless(MemorySettings):
    token: str = field(default="", metadata={"help": "A token."})


FIRST = {}


def as_first_seen(ticket):
    """The fields are what they were when first seen, but for what events tell."""
    fields = dict(FIRST.setdefault(ticket.ref.id, ticket.fields))
    for event in ticket.events:
        fields |= {c.field: c.new for c in event.changes if isinstance(c, FieldChange)}
    return replace(ticket, fields=fields)


def odd_version():
    numbers = iter(range(1000))
    return shows(lambda t: replace(t, version=str(next(numbers))))


def renumbered(events):
    return [replace(e, id=str(len(events) - n)) for n, e in enumerate(events)]


def with_change(change):
    return lambda events: [replace(e, changes=(*e.changes, change)) for e in events]


def half_sets(events):
    for event in events:
        halved = [
            replace(c, removed=frozenset()) if isinstance(c, SetChange) else c
            for c in event.changes
        ]
        yield replace(event, changes=tuple(halved))


def as_first_commented(ticket):
    """Comments are remembered as they were first told."""
    first = FIRST.setdefault(ticket.ref.id, ticket.comments)
    known = {c.ref for c in first}
    return replace(ticket, comments=first + tuple(c for c in ticket.comments if c.ref not in known))


def ends_early(self, ref):
    try:
        yield from MemoryConnector.content(self, ref)
    except Garbled:
        return


def whole(self, ref):
    yield b"".join(MemoryConnector.content(self, ref))


def impersonates(sandbox):
    sandbox.tracker.knobs = replace(sandbox.tracker.knobs, impersonation=True)


def answers_as_asked(self, operation):
    """The answer shows what was sent, not what there is."""
    told = MemoryConnector.apply(self, operation)
    return replace(
        told,
        ticket=replace(
            told.ticket,
            version="0",
            fields=dict(operation.before)
            if isinstance(operation, Update)
            else dict(operation.fields),
        ),
    )


LAST = Checkpoint(cursor="1")
EVENT = Event(id="1", author=Person(id="bob"), created=instant(1))
NO_HISTORY = Knobs(page=2, history=History.NONE)
PARTIAL = Knobs(page=2, history=History.PARTIAL)
LIMITED = Knobs(page=2, attachment_limit=1 << 20)

# --- the table -------------------------------------------------------------------------------------------

BROKEN = {
    # reading
    "test_whoami_names_the_account": [connector(whoami=lambda self: Person(id=""))],
    "test_a_ticket_shows_its_fields": [shows_fields(without("summary"))],
    "test_a_ticket_shows_each_writable_field": [shows_fields(without("due"))],
    "test_what_is_empty_is_absent": [shows_fields(lambda f: f | {"due": ""})],
    "test_fields_are_those_of_the_table": [
        shows_fields(lambda f: f | {"colour": "red"}),
        shows_fields(lambda f: f | {"labels": "red"}),
    ],
    "test_a_ticket_answers_to_the_id_asked_for": [
        connector(ticket=lambda self, ref: MemoryConnector.ticket(self, Ref(id="1")))
    ],
    "test_times_are_aware_and_in_utc": [
        shows(lambda t: replace(t, updated=t.updated.replace(tzinfo=None)))
    ],
    "test_times_are_those_of_the_tracker": [
        shows(lambda t: replace(t, created=t.created - timedelta(hours=5))),
        shows_comments(lambda c: replace(c, created=c.created + timedelta(hours=1))),
    ],
    "test_authors_are_told": [shows(lambda t: replace(t, author=Person(id="hub")))],
    "test_people_are_keyed_by_their_id": [
        shows(lambda t: replace(t, people={"bob@example.org": Person(id="bob")}))
    ],
    "test_reading_twice_tells_the_same": [odd_version()],
    "test_tickets_are_read_from_several_threads": [connector(ticket=in_two_threads)],
    "test_a_missing_ticket_is_not_found": [
        says("ticket", NotFound, lambda self, words, error: Gone(ref=words[0]))
    ],
    "test_a_hidden_ticket_is_not_found": [
        says("ticket", NotFound, lambda self, words, error: Gone(ref=words[0]))
    ],
    "test_comments_are_told_in_order": [
        shows(lambda t: replace(t, comments=t.comments[::-1])),
        shows(lambda t: replace(t, comments=t.comments[:2])),
    ],
    "test_a_comment_keeps_its_text": [shows_comments(lambda c: replace(c, body=c.body.strip("#")))],
    "test_a_private_comment_is_told_as_private": [
        shows_comments(lambda c: replace(c, private=False))
    ],
    "test_a_public_comment_is_told_as_public": [shows_comments(lambda c: replace(c, private=None))],
    "test_an_attachment_is_read_byte_for_byte": [
        connector(
            content=lambda self, ref: (
                piece.replace(b"\r\n", b"\n") for piece in MemoryConnector.content(self, ref)
            )
        )
    ],
    "test_an_attachment_comes_in_pieces": [connector(content=whole)],
    "test_an_attachment_may_have_any_name": [
        shows(
            lambda t: replace(
                t, attachments=tuple(replace(a, name=ascii_only(a.name)) for a in t.attachments)
            )
        )
    ],
    "test_an_empty_file_is_a_file": [
        shows(lambda t: replace(t, attachments=tuple(a for a in t.attachments if a.size)))
    ],
    "test_parts_of_two_tickets_never_share_an_id": [numbered("comments"), numbered("attachments")],
    "test_a_missing_attachment_is_not_found": [connector(content=lambda self, ref: iter(()))],
    # changes
    "test_a_first_pull_tells_every_ticket": [pulls(first_page_only)],
    "test_every_pull_ends_with_a_checkpoint": [
        pulls(lambda self, pull, items: (i for i in items if not isinstance(i, Checkpoint))),
        pulls(cursor_of(lambda self, item: "")),
    ],
    "test_an_idle_pull_is_cheap_and_silent": [
        connector(changed=lambda self, pull: MemoryConnector.changed(self, Pull())),
        pulls(lambda self, pull, items: (self.describe() and self.whoami() and i for i in items)),
    ],
    "test_an_edit_is_told_by_the_next_pull": [
        connector(changed=lambda self, pull: MemoryConnector.changed(self, Pull())),
        pulls(cursor_of(lambda self, item: str(self.tracker.now + 99))),
    ],
    "test_an_edit_in_the_second_of_the_pull_is_told": [
        pulls(cursor_of(lambda self, item: str(int(item.cursor) + 1)))
    ],
    "test_another_ticket_in_the_second_of_the_pull_is_told": [
        pulls(cursor_of(lambda self, item: str(int(item.cursor) + 1)))
    ],
    "test_a_comment_makes_a_ticket_changed": [never_touched("comment")],
    "test_an_attachment_makes_a_ticket_changed": [never_touched("attach")],
    "test_an_edited_comment_makes_a_ticket_changed": [
        never_touched("edit_comment"),
        shows(as_first_commented),
    ],
    "test_a_deleted_comment_makes_a_ticket_changed": [
        never_touched("delete_comment"),
        shows(as_first_commented),
    ],
    "test_older_changes_are_told_first": [
        pulls(lambda self, pull, items: (i for i in [*list(items)[-2::-1], LAST]))
    ],
    "test_a_cursor_needs_no_memory": [pulls(remembers_cursors)],
    "test_every_checkpoint_is_a_place_to_start_from": [
        pulls(cursor_of(lambda self, item: str(self.tracker.now + 1)))
    ],
    "test_nothing_is_missed_while_tickets_move": [connector(changed=walks_by_number)],
    "test_nothing_is_missed_while_tickets_vanish": [connector(changed=walks_by_number)],
    "test_what_is_told_can_be_read": [
        pulls(
            lambda self, pull, items: (
                replace(i, kind="issue") if isinstance(i, Ref) else i for i in items
            )
        )
    ],
    "test_a_query_narrows": [
        connector(changed=lambda self, pull: MemoryConnector.changed(self, Pull(since=pull.since)))
    ],
    "test_a_deletion_is_told": [
        pulls(lambda self, pull, items: (i for i in items if not isinstance(i, Gone)))
    ],
    "test_a_deletion_that_is_not_promised_is_not_told": [
        says(
            "ticket",
            NotFound,
            lambda self, words, error: Gone(ref=words[0]),
            Knobs(page=2, tombstones=False),
        )
    ],
    "test_a_hidden_ticket_is_not_told_as_gone": [pulls(hidden_are_gone)],
    "test_a_merged_ticket_is_not_deleted": [
        connector(
            ticket=lambda self, ref: (
                replace(t, merged_into="")
                if isinstance(t := MemoryConnector.ticket(self, ref), Gone)
                else t
            )
        )
    ],
    "test_an_index_that_lags_loses_nothing": [
        pulls(cursor_of(lambda self, item: str(self.tracker.now)), Knobs(page=2, overlap=8))
    ],
    "test_the_hubs_own_clock_does_not_count": [
        pulls(cursor_of(lambda self, item: str(int(time.time()))))
    ],
    # history
    "test_history_explains_the_state": [
        shows_events(lambda events: events[1:]),
        shows_events(lambda events: events[:-1]),
    ],
    "test_each_change_is_told_once": [
        shows_events(lambda events: events[::2]),
        shows_events(lambda events: [*events, *events[-1:]]),
    ],
    "test_a_field_that_goes_there_and_back_is_told": [shows_events(lambda events: [])],
    "test_members_of_sets_come_and_leave": [shows_events(half_sets)],
    "test_events_have_authors_and_times": [
        shows_events(lambda events: [replace(e, author=Person(id="hub")) for e in events]),
        shows_events(lambda events: [replace(e, created=instant(1)) for e in events]),
    ],
    "test_events_never_change": [
        shows_events(renumbered),
        shows_events(lambda events: [replace(e, id="7") for e in events]),
    ],
    "test_one_event_changes_a_field_once": [
        shows_events(with_change(FieldChange(field="status", old="new", new="new")))
    ],
    "test_events_speak_of_fields_of_the_table": [
        shows_events(with_change(FieldChange(field="colour", old=None, new="red")))
    ],
    "test_our_own_change_names_our_account": [
        shows_events(lambda events: [replace(e, author=Person(id="bob")) for e in events])
    ],
    "test_what_no_event_tells_is_in_the_state": [shows(as_first_seen, PARTIAL)],
    "test_no_history_is_no_history": [shows_events(lambda events: [EVENT], NO_HISTORY)],
    # writing
    "test_what_was_created_is_read": [sends(only_if(Create, field_sent(without("labels"))))],
    "test_what_was_created_is_told_by_a_pull": [
        pulls(
            lambda self, pull, items: (
                i
                for i in items
                if not isinstance(i, Ref) or self.tracker.items[i.id].author != "hub"
            )
        )
    ],
    "test_creates_are_not_one": [connector(apply=same_create_once)],
    "test_what_was_updated_is_read": [sends(only_if(Update, lambda operation: None))],
    "test_an_update_touches_nothing_else": [
        sends(only_if(Update, field_sent(lambda changes: changes | {"priority": "low"})))
    ],
    "test_a_field_is_cleared": [
        sends(only_if(Update, field_sent(lambda c: {k: v for k, v in c.items() if v is not None})))
    ],
    "test_members_of_a_set_are_added_and_removed": [connector(apply=whole_sets)],
    "test_an_update_that_says_nothing_new_does_no_harm": [sends(no_news)],
    "test_titles_keep_their_letters": [
        sends(field_sent(lambda c: {k: ascii_only(v) if v else v for k, v in c.items()}))
    ],
    "test_long_texts_keep_their_letters": [sends(cuts(60000))],
    "test_a_refused_value_changes_nothing": [Breakage(after=allows_all)],
    "test_an_update_of_a_missing_ticket_is_not_found": [
        says("apply", NotFound, lambda self, words, error: Receipt(ref=words[0].ref))
    ],
    "test_a_comment_that_was_made_is_read": [
        sends(field_sent(lambda f: f | {"body": f"{f.get('body')} (by the hub)"})),
        sends(lambda op: replace(op, private=True) if op.ref.kind == COMMENT else op),
    ],
    "test_comments_keep_their_letters": [sends(cuts(60000))],
    "test_a_private_comment_stays_private": [sends(lambda op: replace(op, private=False))],
    "test_a_private_comment_is_never_sent_into_the_open": [
        sends(lambda op: replace(op, private=False), Knobs(page=2, private_comments=False))
    ],
    "test_a_comment_is_edited_in_place": [connector(apply=edits_by_making_anew)],
    "test_a_comment_is_deleted": [sends(not_deleted)],
    "test_an_attachment_that_was_made_is_read": [
        sends(
            lambda op: (
                replace(op, content=lambda: (p.replace(b"\x00", b"") for p in op.content()))
                if op.ref.kind == ATTACHMENT
                else op
            )
        ),
        sends(only_if(Create, field_sent(without("content_type")))),
    ],
    "test_a_file_above_the_limit_is_not_opened": [
        connector(LIMITED, apply=reads_first),
        sends(lambda op: replace(op, size=0), LIMITED),
    ],
    "test_an_attachment_is_deleted": [sends(not_deleted)],
    "test_a_ticket_is_deleted": [sends(not_deleted)],
    "test_a_write_to_an_old_version_is_stale": [
        sends(unversioned),
        shows(lambda t: replace(t, version="")),
    ],
    "test_a_delete_of_an_old_version_is_stale": [sends(unversioned)],
    "test_a_ticket_is_found_by_its_key": [
        connector(find=lambda self, ref, key: None),
        connector(find=lambda self, ref, key: Ref(id="1")),
        shows(lambda t: replace(t, key="")),
    ],
    "test_a_comment_is_found_by_its_key": [
        sends(keyless),
        shows_comments(lambda c: replace(c, body=f"{c.body} [{c.key}]")),
    ],
    "test_an_attachment_is_found_by_its_key": [sends(keyless)],
    "test_an_author_that_is_not_promised_is_not_pretended": [Breakage(after=impersonates)],
    "test_what_an_answer_shows_is_what_a_read_shows": [
        connector(Knobs(page=2, answers=True), apply=answers_as_asked)
    ],
    "test_an_author_and_a_date_are_taken_over": [
        sends(born_otherwise, Knobs(page=2, impersonation=True))
    ],
    "test_nobody_is_notified": [Breakage(after=mails)],
    "test_what_is_not_declared_is_refused_before_any_request": [
        connector(apply=asks_first),
        says("apply", RemoteError, lambda self, words, error: Receipt(ref=words[0].ref)),
    ],
    # texts
    "test_dialects_are_those_that_are_known_or_declared": [
        shows(lambda t: replace(t, dialect="rst")),
        shows_comments(lambda c: replace(c, dialect="rst")),
        Breakage(after=declares(dialects=())),
        Breakage(after=declares(dialects=("plain", "plain"))),
        Breakage(after=declares(dialects=("rst", "plain"))),
    ],
    "test_long_texts_are_kept_in_each_dialect": [
        shows(lambda t: replace(t, dialect="plain"), TRAC),
        sends(field_sent(lambda f: {k: v.replace("{{{", "") for k, v in f.items()}), TRAC),
        sends(only_if(Update, field_sent(without("description"))), TRAC),
    ],
    "test_comments_are_kept_in_each_dialect": [
        shows_comments(lambda c: replace(c, dialect="plain"), TRAC),
        shows_comments(lambda c: replace(c, body=c.body.replace("{{{", "")), TRAC),
    ],
    "test_references_are_found_again": [
        refers(ids="[A-Z]+"),
        refers(read=(r"(?P<id>https)",), url="https://memory.example/t/no"),
    ],
    "test_what_refers_to_nothing_is_left_alone": [
        refers(read=(r"\S+elsewhere\S*/(?P<id>\d+)",)),
        refers(read=(r"(?P<id>\d+)",)),
    ],
    "test_a_text_of_the_greatest_length_is_kept": [
        Breakage(healthy=Short, make=Short, after=takes(limits={"summary": 99})),
        Breakage(healthy=Short, make=Short, after=takes(limits={"summary": 99}, cuts=True)),
        Breakage(healthy=Short, make=Short, after=takes(render=in_bytes(100))),
    ],
    "test_a_comment_of_the_greatest_length_is_kept": [
        Breakage(knobs=REMARKS, after=takes(limits={"body": 999})),
        Breakage(knobs=REMARKS, after=takes(limits={"body": 999}, cuts=True)),
    ],
    # failing
    "test_a_wrong_password_is_said": [connector(whoami=lambda self: Person(id="hub"))],
    "test_a_wrong_password_ends_a_pull": [pulls(ends_well)],
    "test_an_unreachable_tracker_is_said": [
        says("whoami", Transient, lambda self, words, error: fails(Garbled("What?")))
    ],
    "test_a_failing_server_is_transient": [
        says("ticket", Transient, lambda self, words, error: fails(NotFound("No such ticket."))),
        connector(_request=repeats_for_ever),
    ],
    "test_a_refused_session_is_said": [
        says("ticket", AuthFailed, lambda self, words, error: fails(NotFound("No such ticket."))),
        connector(_request=repeats_for_ever),
    ],
    "test_a_forbidden_ticket_is_an_error_of_the_hub": [
        says("ticket", Rejected, lambda self, words, error: Gone(ref=words[0]))
    ],
    "test_a_garbled_answer_is_said": [
        says("ticket", Garbled, lambda self, words, error: fails(NotFound("No such ticket."))),
        pulls(ends_well),
    ],
    "test_a_truncated_answer_is_said": [
        says("ticket", Garbled, lambda self, words, error: Gone(ref=words[0]))
    ],
    "test_a_truncated_file_is_no_file": [connector(content=ends_early)],
    "test_a_pull_that_breaks_off_has_no_last_checkpoint": [pulls(ends_well)],
    "test_a_listing_in_a_circle_comes_to_an_end": [connector(changed=trusts_its_pages)],
    "test_a_pause_that_is_asked_for_too_often_is_said": [
        says("ticket", RateLimited, lambda self, words, error: fails(RateLimited("Slowly."))),
        says("ticket", RateLimited, lambda self, words, error: fails(Transient("Later."))),
    ],
    "test_no_error_shows_a_secret": [connector(whoami=leaks)],
    "test_a_read_is_repeated": [connector(_request=gives_up)],
    "test_a_short_pause_is_kept": [connector(_request=gives_up)],
    "test_a_create_is_never_repeated_blindly": [connector(_request=repeats_all)],
    "test_a_create_whose_answer_was_lost_is_unsure": [
        connector(_request=repeats_all),
        says("apply", Unsure, lambda self, words, error: fails(Rejected("No."))),
    ],
    "test_a_lost_create_is_found_by_its_key": [sends(keyless)],
    "test_a_lost_comment_is_found_by_its_key": [sends(keyless)],
    "test_an_update_that_landed_is_not_called_stale": [connector(_request=repeats_all)],
    # promises
    "test_the_interface_is_of_this_spec": [connector(spec=7), connector(name="")],
    "test_settings_are_explained_and_secrets_marked": [connector(Settings=Careless)],
    "test_capabilities_are_sound": [Breakage(after=promises_too_much)],
    "test_a_new_connector_sends_nothing": [connector(__init__=sends_at_once)],
    "test_it_closes_twice": [connector(close=closes_once)],
    "test_a_pull_left_in_its_middle_does_no_harm": [connector(changed=remembers_its_walk)],
    "test_describe_knows_the_fields_of_the_table": [described(lambda s: replace(s, fields=()))],
    "test_required_fields_have_a_row": [
        described(
            lambda s: replace(s, fields=(*s.fields, SchemaField(name="queue", required=True)))
        )
    ],
    "test_described_values_are_those_that_are_told": [
        described(
            lambda s: replace(s, fields=tuple(replace(f, many=not f.many) for f in s.fields))
        ),
        described(lambda s: replace(s, transitions={"new": ("nowhere",)})),
        row(values=(("none of the list", "open"),)),
    ],
    "test_the_table_names_neutral_properties": [row(theirs="colour", ours="colour")],
    "test_what_is_encoded_decodes_to_the_same": [
        row(Shouting),
        row(values=(("open", "x"), ("new", "x"), ("new", "y"))),
    ],
    "test_what_is_decoded_encodes_to_the_same": [
        row(values=(("new", "x"), ("new", "y"), ("open", "y")))
    ],
    "test_a_pair_stands_once": [
        row(values=(("new", "x"), ("new", "x"))),
        row(values=(("", "new"),)),
    ],
    "test_the_canonical_form_is_one": [
        row(theirs="summary", ours="summary", kind=Kind.TEXT, canon=lambda text: text + "!"),
        row(theirs="summary", ours="summary", kind=Kind.TEXT, canon=lambda text: ""),
    ],
    # the listing in pages
    "test_each_ticket_is_listed_once": [
        lists(lambda lines: lines[:-1]),
        lists(lambda lines: [*lines, *lines[:1]]),
    ],
    "test_a_listing_shows_what_the_ticket_shows": [
        lists(lambda lines: [replace(one, fields={}) for one in lines]),
        lists(lambda lines: [replace(one, told=frozenset()) for one in lines]),
        lists(lambda lines: [replace(one, updated=instant(4_000_000_000)) for one in lines]),
    ],
    "test_a_listing_tells_the_attachments_that_are_there": [
        lists(lambda lines: [replace(one, attachments=frozenset()) for one in lines]),
        lists(lambda lines: [replace(one, attachments=frozenset({"3"})) for one in lines]),
    ],
    "test_an_edit_shows_in_the_listing": [
        lists(lambda lines: [replace(one, fields={}, updated=None) for one in lines]),
    ],
    "test_what_is_not_there_is_not_listed": [lists(lambda lines: [*lines, *EVERY_NUMBER])],
    "test_a_listing_costs_far_less_than_a_request_a_ticket": [connector(listed=one_by_one)],
    "test_a_query_narrows_the_listing": [
        connector(listed=lambda self, pull: MemoryConnector.listed(self, Pull())),
        lists(lambda lines: []),
    ],
    # workflow
    "test_what_a_ticket_offers_can_be_had": [
        shows(lambda t: replace(t, reachable=frozenset({"reviewed"})), WORKFLOW),
        sends(statusless, WORKFLOW),
    ],
    "test_what_a_ticket_does_not_offer_is_never_half_done": [
        connector(WORKFLOW, apply=by_halves),
        sends(statusless, WORKFLOW),
    ],
    "test_a_way_of_the_graph_can_be_gone": [
        described(lambda s: replace(s, transitions={"new": ("reviewed",)}), WORKFLOW),
        sends(statusless, WORKFLOW),
    ],
    "test_the_graph_names_what_a_ticket_shows": [
        described(lambda s: replace(s, statuses=("open", "closed")), WORKFLOW),
        shows(lambda t: replace(t, reachable=frozenset({"Closed"})), WORKFLOW),
    ],
    "test_what_a_status_demands_can_be_said": [
        described(lambda s: replace(s, requires={"closed": ("colour",)}), WORKFLOW),
        described(lambda s: replace(s, requires={"Closed": ("owner",)}), WORKFLOW),
    ],
    "test_what_a_status_demands_is_demanded": [
        described(lambda s: replace(s, requires={"open": ("owner",)}), WORKFLOW),
        described(lambda s: replace(s, requires={"closed": ("due",)}), WORKFLOW),
    ],
}

CASES = [
    pytest.param(name, breakage, id=f"{name}-{n}")
    for name, breakages in BROKEN.items()
    for n, breakage in enumerate(breakages)
]


def test_every_check_has_a_breakage():
    assert sorted(BROKEN) == ConnectorContract.names()


def test_there_are_more_than_forty_checks():
    print(f"{len(BROKEN)} checks, {len(CASES)} breakages")
    assert len(BROKEN) >= 40


@pytest.mark.parametrize(("name", "breakage"), CASES)
def test_the_healthy_one_passes_and_the_broken_one_does_not(name, breakage):
    FIRST.clear()
    check = partial(getattr(ConnectorContract(), name))
    healthy, broken = MemorySandbox(breakage.knobs, breakage.healthy), breakage.sandbox()
    try:
        check(healthy)
        with pytest.raises((AssertionError, pytest.fail.Exception, HubError)):
            check(broken)
    except pytest.skip.Exception as skipped:
        pytest.fail(f"{name} was skipped: {skipped}")
