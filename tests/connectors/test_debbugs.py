"""debbugs: the contract on the fake, over SOAP and SMTP, and the traps of its sheet."""

from __future__ import annotations

import hashlib
import html
import io
import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakes.debbugs import DOMAIN, HUB, KNOBS, app
from fakes.smtp import Sink
from prophet_connectors._debbugs_letters import in_mbox, letter
from prophet_connectors._debbugs_post import Post
from prophet_connectors._debbugs_soap import envelope, result_of
from prophet_connectors._debbugs_story import events_of, ticket_of
from prophet_connectors.debbugs import Debbugs, DebbugsSettings
from prophet_hub.errors import (
    AuthFailed,
    ConfigError,
    Garbled,
    NotFound,
    Rejected,
    Transient,
    Unsupported,
    Unsure,
)
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Context,
    Create,
    Delete,
    FieldChange,
    Person,
    Pull,
    Ref,
    SetChange,
    Update,
)
from prophet_hub.sdk.answers import Answer
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Fault, Faulty, What
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker

BOB, EVE = "bob@example.org", "eve@example.org"
XSI = 'xmlns:x="http://www.w3.org/2001/XMLSchema-instance"'
TOLD = ("originator", "done", "summary", "outlook", "archived", "description")


class Place(TrackerSandbox):
    """A fake in-process, its mail over a real socket; both stand behind the same faults."""

    password = ""  # reading needs none, and a wrong one for mail is tried below
    person = BOB
    logins = (BOB, EVE)
    create_method = "MAIL"
    required = MappingProxyType({"package": "foo"})
    examples = MappingProxyType(
        {
            "status": ("done", "open"),
            "severity": ("important", "minor"),
            "package": ("foo", "bar"),
            "tags": (frozenset({"patch"}), frozenset({"help"})),
            "found_versions": (frozenset({"1.0-1"}), frozenset({"1.10"})),
            "fixed_versions": (frozenset({"2:1.0~rc1-2"}), frozenset({"1.3"})),
            "affects": (frozenset({"baz"}), frozenset({"qux"})),
            "forwarded": ("https://up.example/1", "https://up.example/2"),
        }
    )
    clearable = frozenset({"owner", "forwarded"})
    refused = ("severity", "terrible")
    narrow = ("package:wanted", "package", "wanted")

    def __init__(self, stack: ExitStack, password: str = "", folder: str = "", **settings) -> None:
        tracker = Tracker("bugs", KNOBS)
        for address in (BOB, EVE):
            name = address.partition("@")[0].title()
            tracker.users[address] = Person(id=address, name=name, email=address)
        self.app = app(tracker)
        faulty = Faulty(self.app)
        url = stack.enter_context(within(faulty, "http://bugs.example"))
        self.sink = stack.enter_context(Sink(self._take, password=password))
        self.clock = ManualClock()

        def make(_password: str, reachable: bool) -> Debbugs:
            given = {
                "url": f"{url}/cgi-bin" if reachable else "http://127.0.0.1:9",
                "address": HUB,
                "name": "The Hub",
                "domain": DOMAIN,
                "smtp": "127.0.0.1",
                "smtp_port": self.sink.port,
                "smtp_security": "none",
                **settings,
            }
            return Debbugs(
                DebbugsSettings(**given),
                Context(remote="bugs", clock=self.clock, folder=folder),
            )

        super().__init__(tracker, make, faulty)

    def _take(self, sender, recipients, mail):
        """Hands a mail to the fake, as a request that faults may hit."""
        environ = {
            "REQUEST_METHOD": "MAIL",
            "PATH_INFO": "/",
            "HTTP_X_RECIPIENTS": " ".join(recipients),
            "CONTENT_LENGTH": str(len(mail)),
            "wsgi.input": io.BytesIO(mail),
        }
        said = []
        assert self.faulty is not None
        list(self.faulty(environ, lambda status, _headers: said.append(status)))
        return (250, "ok") if said[0].startswith("200") else (451, "not now")

    def edit(self, ticket, field, value):
        if field in TOLD:
            raise Absent(f"nobody edits {field}")
        if field == "severity" and value is None:
            value = "normal"
        super().edit(ticket, field, value)

    def comment(self, ticket, body, *, private=False):
        note = super().comment(ticket, body, private=private)
        return f"{ticket}-{digest(f'<note-{note}@people.example>')}"

    def attach(self, ticket, name, data):
        file = super().attach(ticket, name, data)
        return f"{ticket}-{digest(f'<file-{file}@people.example>')}.1"

    def merge(self, ticket, into):
        self.tracker.update(BOB, ticket, added={"mergedwith": {into}})


def digest(text: str) -> str:
    """Returns what a mail's id ends in."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.fixture
def place():
    with ExitStack() as stack:
        box = Place(stack)
        yield box
        box.connector.close()


class TestContract(ConnectorContract):
    """Every check there is, but for those of a password."""

    may_skip = MappingProxyType({"there is no password": "reading needs none"})

    @pytest.fixture
    def sandbox(self, place):
        return place


# --- mail takes its time ----------------------------------------------------------------------------


NEW = Create(ref=Ref(id=""), fields={"subject": "Slow", "package": "foo"}, key="a-key")


def slow(stack: ExitStack, folder: Path) -> Place:
    """Returns a place whose mails wait; what is on its way is remembered in a folder."""
    place = Place(stack, folder=str(folder))
    place.app.holds = True
    return place


class TestMailTakesItsTime:
    """What is not shown yet is unsure, is found later, and is never mailed twice."""

    @pytest.fixture
    def place(self, tmp_path):
        with ExitStack() as stack:
            box = slow(stack, tmp_path)
            yield box
            box.connector.close()

    def test_a_create_is_bound_by_a_later_run(self, place):
        """The first run waits for half a minute, later ones look; one mail is sent."""
        with pytest.raises(Unsure, match="was mailed at"):
            place.connector.apply(NEW)
        assert 20 < sum(place.clock.slept) <= 30
        later = place.connect()
        assert later.find(NEW.ref, "a-key") is None
        with pytest.raises(Unsure):
            later.apply(NEW)
        assert len(place.app.queue) == 1
        place.app.process()
        made = later.apply(NEW).ref
        assert made == later.find(NEW.ref, "a-key")
        assert len(place.tracker.items) == 1
        assert later.ticket(made).key == "a-key"
        later.close()

    def test_once_a_mail_was_late_no_other_is_waited_for(self, place):
        """Else a first sync would take days."""
        for key in ("one", "two", "three"):
            with pytest.raises(Unsure):
                place.connector.apply(replace(NEW, key=key))
        assert sum(place.clock.slept) <= 30
        assert len(place.app.queue) == 3

    def test_a_comment_and_a_file_are_bound_by_a_later_run(self, place):
        """By their Message-ID in the log."""
        bug = place.make(place.new())
        data = b"bytes"
        operations = [
            Create(ref=Ref(kind=COMMENT, id="", ticket=bug), fields={"body": "Hi"}, key="c"),
            Create(
                ref=Ref(kind=ATTACHMENT, id="", ticket=bug),
                fields={"name": "a.txt"},
                key="f",
                size=len(data),
                content=lambda: iter([data]),
            ),
        ]
        for operation in operations:
            for _ in range(2):
                with pytest.raises(Unsure):
                    place.connector.apply(operation)
        assert len(place.app.queue) == 2
        place.app.process()
        shown = place.connector.ticket(Ref(id=bug))
        assert [c.key for c in shown.comments] == ["c"]
        assert [f.key for f in shown.attachments] == ["f"]
        for operation in operations:
            found = place.connector.find(operation.ref, operation.key)
            assert found in {*(c.ref for c in shown.comments), *(f.ref for f in shown.attachments)}

    def test_an_update_is_mailed_once(self, place):
        """Until it shows; then the same may be asked for again."""
        bug = place.make(place.new())
        close = Update(ref=Ref(id=bug), changes={"status": "done"})
        for _ in range(3):
            with pytest.raises(Unsure):
                place.connector.apply(close)
        assert len(place.app.queue) == 1
        place.app.process()
        assert place.connector.ticket(close.ref).fields["status"] == "done"
        place.edit(bug, "status", "open")
        with pytest.raises(Unsure):
            place.connector.apply(close)
        assert len(place.app.queue) == 1

    def test_what_never_shows_is_refused_in_the_end(self, place):
        """After a day; a person who wants it nevertheless gets a new mail."""
        with pytest.raises(Unsure):
            place.connector.apply(NEW)
        place.clock.sleep(25 * 3600)
        with pytest.raises(Rejected, match="never showed"):
            place.connector.apply(NEW)
        with pytest.raises(Unsure):
            place.connector.apply(NEW)
        assert len(place.app.queue) == 2

    def test_a_command_that_was_refused_is_not_sent_again(self, place):
        """The log has the mail and the bug does not show it: a reading says so to the hub."""
        bug = place.make(place.new())
        wish = Update(
            ref=Ref(id=bug), changes={"subject": "New"}, added={"tags": frozenset({"confirmed"})}
        )  # this server has no such tag
        with pytest.raises(Unsure):
            place.connector.apply(wish)
        place.app.process()
        assert place.connector.ticket(wish.ref).fields["subject"] == "New"
        assert place.connector.apply(wish).ref == wish.ref
        assert place.app.queue == []
        place.app.holds = False
        other = replace(wish, changes={"subject": "Newer"})
        sent = place.sink.talks
        assert place.connector.apply(other).ref == wish.ref, "the log has the mail"
        assert place.connector.ticket(wish.ref).fields["subject"] == "Newer"
        assert place.sink.talks == sent + 1

    def test_what_somebody_else_did_meanwhile_is_done(self, place):
        """Nothing is mailed for it."""
        bug = place.make(place.new())
        wish = Update(ref=Ref(id=bug), changes={"severity": "minor"})
        with pytest.raises(Unsure):
            place.connector.apply(wish)
        place.edit(bug, "severity", "minor")
        sent = place.sink.talks
        assert place.connector.apply(wish).ref == wish.ref
        assert place.sink.talks == sent

    def test_without_memory_of_what_was_sent_the_tracker_is_asked(self, place, tmp_path):
        """A restored hub looks by the key, beyond the newest bugs too."""
        place.app.holds = False
        made = place.connector.apply(NEW).ref
        (tmp_path / "debbugs-mails.json").unlink()
        fresh = place.connect()
        assert fresh.find(NEW.ref, "a-key") == made
        fresh.close()

    def test_a_damaged_memory_stops_all_mail(self, place, tmp_path):
        """Better none than two."""
        (tmp_path / "debbugs-mails.json").write_text("{")
        with pytest.raises(Transient, match="cannot be read"):
            place.connector.apply(NEW)
        assert place.app.queue == []

    def test_no_mail_goes_out_that_cannot_be_remembered(self, place, tmp_path):
        """The folder is in the way of the file."""
        (tmp_path / "debbugs-mails.part").mkdir()
        with pytest.raises(Transient, match="cannot be written"):
            place.connector.apply(NEW)
        assert place.app.queue == []

    def test_an_error_after_the_mail_is_no_error_of_the_mail(self, place):
        """The tracker cannot be asked just then: unsure, not failed."""
        place.app.holds = False
        place.inject(Fault(what=What.STATUS, status=500, method="POST", times=None))
        with pytest.raises(Unsure):
            place.connector.apply(NEW)
        place.heal()
        assert place.connector.find(NEW.ref, "a-key") is not None


# --- handing mails over -----------------------------------------------------------------------------


class TestPost:
    """The mail server."""

    def test_a_password_is_proven(self):
        """By the first call, and a wrong one is said without showing it."""
        with ExitStack() as stack:
            right = Place(
                stack, password="correct horse", smtp_user="hub", smtp_password="correct horse"
            )
            assert right.connector.whoami().id == HUB
            assert right.connector.apply(NEW).ref.id
            wrong = Place(
                stack, password="correct horse", smtp_user="hub", smtp_password="hidden horse"
            )
            with pytest.raises(AuthFailed, match="smtp_password") as caught:
                wrong.connector.whoami()
            assert "hidden" not in repr(vars(caught.value)) + str(caught.value)
            assert not caught.value.alone
            assert "hidden" not in repr(wrong.connector._post)
            for one in (right, wrong):
                one.connector.close()

    def test_a_recipient_that_is_refused_ends_the_mail(self, place):
        """Nothing went out, and nothing waits."""
        place.sink.refused.add(f"submit@{DOMAIN}")
        with pytest.raises(Rejected, match="no such mailbox"):
            place.connector.apply(NEW)
        place.sink.refused.clear()
        assert place.connector.apply(NEW).ref.id

    def test_of_two_recipients_both_or_none(self, place):
        """A closing with other changes goes to two."""
        bug = place.make(place.new())
        place.sink.refused.add(f"control@{DOMAIN}")
        wish = Update(ref=Ref(id=bug), changes={"status": "done", "severity": "minor"})
        with pytest.raises(Rejected):
            place.connector.apply(wish)
        assert place.connector.ticket(wish.ref).fields["status"] == "open"

    def test_a_mail_server_that_is_not_there_is_said(self):
        """Nothing was done."""
        with ExitStack() as stack:
            place = Place(stack, smtp_port=9)
            with pytest.raises(Transient, match="cannot be reached"):
                place.connector.apply(NEW)
            with pytest.raises(Transient):
                place.connector.whoami()
            place.connector.close()

    def test_no_password_in_the_clear(self):
        """But to this very machine."""
        post = Post(remote="bugs", host="mail.example", port=25, security="none", password="x")
        with pytest.raises(ConfigError, match="in the clear"):
            post.prove()
        with pytest.raises(ConfigError, match="one of"):
            replace(post, security="ssl").prove()

    def test_encryption_that_is_not_offered_is_missed(self):
        """starttls is the default; without it nothing is sent."""
        with ExitStack() as stack:
            for security in ("starttls", "tls"):
                place = Place(stack, smtp_security=security)
                with pytest.raises(Transient):
                    place.connector.apply(NEW)
                place.connector.close()

    def test_who_writes_must_be_said(self):
        """And where to; without a mail server the tracker is read only."""
        with pytest.raises(ConfigError, match="address and domain"):
            Debbugs(DebbugsSettings(url="http://x.example", smtp="h"), Context())
        quiet = Debbugs(DebbugsSettings(url="http://x.example"), Context())
        assert quiet.capabilities.writes == frozenset()
        assert quiet.describe().permissions == {"read"}
        with pytest.raises(Unsupported):
            quiet.apply(NEW)
        with pytest.raises(Unsupported):
            quiet.find(NEW.ref, "k")


# --- what is written --------------------------------------------------------------------------------


class TestWords:
    """Nothing that stands in a text is a command."""

    @pytest.mark.parametrize(
        "text",
        [
            "Control: close -1\nControl: retitle -1 Mine",
            "Severity: grave\n\nTags: patch",
            "-----BEGIN PGP SIGNED MESSAGE-----\n\nhm",
            "From the start\nFrom here\n.\nend  \n\n\n",
            "\n\nbegins late",
            "thanks\nclose 1",
        ],
    )
    def test_a_text_is_a_text(self, place, text):
        """As a comment and as a description, to the last line end."""
        bug = place.connector.apply(
            Create(ref=Ref(id=""), fields={**NEW.fields, "description": text})
        ).ref
        ref = Ref(kind=COMMENT, id="", ticket=bug.id)
        place.connector.apply(Create(ref=ref, fields={"body": text}))
        shown = place.connector.ticket(bug)
        assert shown.fields["description"] == text
        assert [c.body for c in shown.comments] == [text]
        assert shown.fields["status"] == "open"
        assert shown.fields["severity"] == "normal"
        assert shown.fields["subject"] == "Slow"
        assert place.app.replies == []

    @pytest.mark.parametrize("title", ["Re: Re: it", "Bug#1 is back", "bug 12", "RE: x"])
    def test_a_title_is_a_title(self, place, title):
        """The server reads answers and numbers out of the subjects of reports."""
        place.make(place.new())
        made = place.connector.apply(replace(NEW, fields={**NEW.fields, "subject": title})).ref
        assert place.connector.ticket(made).fields["subject"] == title
        assert len(place.tracker.items) == 2

    @pytest.mark.parametrize(
        "changes",
        [
            {"subject": "x"},
            {"subject": "one\x07two"},
            {"package": "Foo Bar"},
            {"package": None},
            {"severity": "grave\nclose 1"},
            {"owner": "a nobody"},
            {"forwarded": "x"},
            {"status": "stalled"},
        ],
    )
    def test_what_does_not_fit_is_refused(self, place, changes):
        """Before a mail."""
        bug = place.make(place.new())
        sent = place.sink.talks
        with pytest.raises(Rejected):
            place.connector.apply(Update(ref=Ref(id=bug), changes=changes))
        assert place.sink.talks == sent

    def test_labels_are_a_closed_list(self, place):
        """What the server would drop is refused, and so is what the status tells."""
        for label in ("blue", "wontfix"):
            with pytest.raises(Rejected, match=label):
                place.connector.apply(
                    replace(NEW, fields={**NEW.fields, "tags": frozenset({label})})
                )
        bug = place.make(place.new())
        for name, member in (("tags", "blue"), ("found_versions", "1 0"), ("blocks", "x")):
            wish = Update(ref=Ref(id=bug), added={name: frozenset({member})})
            with pytest.raises(Rejected):
                place.connector.apply(wish)

    def test_a_rejected_ticket_is_closed_with_a_tag(self, place):
        """And reopened without it; the tag is no label meanwhile."""
        bug = Ref(id=place.make({**place.new(), "tags": frozenset({"patch"})}))
        for word in ("done wontfix", "open", "open wontfix", "done"):
            place.connector.apply(Update(ref=bug, changes={"status": word}))
            shown = place.connector.ticket(bug)
            assert (shown.fields["status"], shown.fields["tags"]) == (word, {"patch"})
        words = [c.new for e in shown.events for c in e.changes if c.field == "status"]
        assert words[-1] == "done"
        row = place.connector.fields.ours("status")
        assert row is not None
        assert row.decode("open wontfix") == "rejected"
        assert row.encode("rejected") == "done wontfix"
        assert row.encode("duplicate") == "done"

    def test_fields_that_follow_from_others_are_not_written(self, place):
        """Who reported, who closed."""
        bug = place.make(place.new())
        for name in ("originator", "done", "archived", "description", "nonsense"):
            with pytest.raises(Unsupported, match=name):
                place.connector.apply(Update(ref=Ref(id=bug), changes={name: "x"}))

    def test_a_bug_belongs_to_a_package(self, place):
        """That of the settings where the ticket names none."""
        bare = replace(NEW, fields={"subject": "No package"})
        with pytest.raises(Rejected, match="package"):
            place.connector.apply(bare)
        with ExitStack() as stack:
            named = Place(stack, package="general", quiet=True)
            required = {f.name for f in named.connector.describe().fields if f.required}
            assert required == {"subject"}
            made = named.connector.apply(bare).ref
            assert named.connector.ticket(made).fields["package"] == "general"
            named.connector.close()

    def test_an_archived_bug_takes_no_mail(self, place):
        """It is read; a write is refused with the way out."""
        bug = place.make(place.new())
        place.app.archived.add(bug)
        assert place.connector.ticket(Ref(id=bug)).fields["archived"] == "yes"
        assert bug not in {i.id for i in place.connector.changed(Pull()) if isinstance(i, Ref)}
        told = place.connector.changed(Pull(query="archive:both"))
        assert bug in {i.id for i in told if isinstance(i, Ref)}
        remark = Create(ref=Ref(kind=COMMENT, id="", ticket=bug), fields={"body": "x"})
        for write in (remark, Update(ref=Ref(id=bug), changes={"subject": "New"})):
            with pytest.raises(Rejected, match="unarchive"):
                place.connector.apply(write)

    def test_nothing_is_private(self, place):
        """And nothing is deleted."""
        bug = place.make(place.new())
        ref = Ref(kind=COMMENT, id="", ticket=bug)
        for write in (
            Create(ref=ref, fields={"body": "x"}, private=True),
            Delete(ref=Ref(id=bug)),
            Update(ref=replace(ref, id="1"), changes={"body": "y"}),
        ):
            with pytest.raises(Unsupported):
                place.connector.apply(write)

    def test_usertags_are_those_of_one_address(self, tmp_path):
        """With a setting; they are free words, in no log, and a spool does not tell them."""
        with ExitStack() as stack:
            box = Place(stack, usertags="team@x.example")
            tags = frozenset({"easy-pick", "q1"})
            made = box.connector.apply(replace(NEW, fields={**NEW.fields, "usertags": tags})).ref
            assert box.connector.ticket(made).fields["usertags"] == tags
            box.app.usertags["else@x.example"] = {"other": [int(made.id)]}
            wish = {"usertags": frozenset({"q1"})}, {"usertags": frozenset({"q2"})}
            box.connector.apply(Update(ref=made, removed=wish[0], added=wish[1]))
            assert box.connector.ticket(made).fields["usertags"] == {"easy-pick", "q2"}
            assert box.app.replies == []
            with pytest.raises(Rejected):
                box.connector.apply(Update(ref=made, added={"usertags": frozenset({"Two words"})}))
            box.connector.close()
        with pytest.raises(ConfigError, match="usertags"):
            Debbugs(DebbugsSettings(url=str(tmp_path), usertags="a@b"), Context())

    def test_merged_bugs_are_there_and_linked(self, place):
        """One leaves the others as they are; the last two part together."""
        one, two, three = (place.make(place.new(n)) for n in range(3))
        ref = Ref(id=one)
        twins = frozenset({two, three})
        place.connector.apply(Update(ref=ref, added={"mergedwith": twins}))
        assert place.connector.ticket(ref).fields["mergedwith"] == twins
        assert place.connector.ticket(Ref(id=two)).fields["mergedwith"] == {one}
        place.connector.apply(Update(ref=ref, removed={"mergedwith": frozenset({two})}))
        assert place.connector.ticket(ref).fields["mergedwith"] == {three}
        place.connector.apply(Update(ref=ref, removed={"mergedwith": frozenset({three})}))
        assert "mergedwith" not in place.connector.ticket(ref).fields


# --- what is read -----------------------------------------------------------------------------------


class TestRequests:
    """What it costs."""

    def test_reading_takes_three_requests_and_an_idle_pull_two(self, place):
        """Two without the story."""
        bug = Ref(id=place.make(place.new()))
        for history, count in ((True, 3), (False, 2)):
            with ExitStack() as stack:
                box = Place(stack, history=history)
                bug = Ref(id=box.make(box.new()))
                before = box.requests()
                box.connector.ticket(bug)
                assert box.requests() == before + count
                list(box.connector.changed(Pull()))
                assert box.requests() == before + count + 2
                box.connector.close()

    def test_a_query_has_keys(self, place):
        """The others are named."""
        for query in ("foo", "colour:red", 'package:"'):
            with pytest.raises(ConfigError, match="package"):
                list(place.connector.changed(Pull(query=query)))

    def test_a_page_for_people_is_no_story(self, place):
        """Nor is half a page."""
        bug = Ref(id=place.make(place.new()))
        place.inject(Fault(what=What.GARBLED, path="boring"))
        with pytest.raises(Garbled, match="midst of a page"):
            place.connector.ticket(bug)

    def test_mails_by_soap_lack_their_files(self):
        """And nothing else; where the server shows no mbox."""
        with ExitStack() as stack:
            box = Place(stack, mbox=False, history=False)
            bug = box.make({**box.new(), "description": "Why\nnot é"})
            box.comment(bug, "A remark")
            box.attach(bug, "a.txt", b"abc")
            shown = box.connector.ticket(Ref(id=bug))
            assert shown.fields["description"] == "Why\nnot é"
            assert [c.body for c in shown.comments] == ["A remark"]
            assert shown.attachments == ()
            with pytest.raises(NotFound):
                box.connector._place.letters("999")
            box.connector.close()

    def test_references_are_read_in_their_forms(self, place):
        """#12, bug 12, Bug#12 and the address."""
        told = []
        text = f"#12 bug 13, Bug#14; {place.connector.references.address('15')} debug 16 a#17"
        place.connector.references.put(text, lambda bug, _: told.append(bug) or "")
        assert told == ["12", "13", "14", "15"]
        spool = Debbugs(DebbugsSettings(url="/srv/spool"), Context())
        assert spool.references is None, "files do not say where people look"


def test_a_spool_tells_what_the_server_tells(place, tmp_path):
    """The same bugs, to the last event, comment and byte."""
    bug = place.make({**place.new(), "description": "It's\n\x07\nlate"})
    for row in place.connector.fields:
        try:
            for value in place.pair(row) if row.writable else ():
                place.edit(bug, row.theirs, value)
        except Absent:
            continue
    place.comment(bug, "\x03\nFrom here: 漢字")
    place.attach(bug, "ü.bin", bytes(range(256)))
    ref = Ref(kind=COMMENT, id="", ticket=bug)
    place.connector.apply(Create(ref=ref, fields={"body": "Ours\n"}, key="k"))
    place.connector.apply(Update(ref=Ref(id=bug), changes={"subject": "Last", "status": "done"}))
    place.app.spool(tmp_path)
    spool = Debbugs(DebbugsSettings(url=str(tmp_path), address=HUB), Context())
    shown, told = place.connector.ticket(Ref(id=bug)), spool.ticket(Ref(id=bug))
    assert told == shown
    assert len(told.events) > 20
    assert b"".join(spool.content(told.attachments[0].ref)) == bytes(range(256))
    assert {i.id for i in spool.changed(Pull()) if isinstance(i, Ref)} == set(place.tracker.items)
    with pytest.raises(NotFound):
        spool.ticket(Ref(id="999"))
    with pytest.raises(NotFound):
        spool.ticket(Ref(id="../1"))
    with pytest.raises(NotFound):
        spool.ticket(Ref(id="9" * 5000))


class TestHostile:
    """A spool and mails that somebody prepared."""

    def bug(self, folder: Path, log: bytes, summary: bytes = b"Format-Version: 3\nDate: 1\n"):
        base = folder / "db-h/01"
        base.mkdir(parents=True, exist_ok=True)
        (base / "1.log").write_bytes(log)
        (base / "1.summary").write_bytes(summary)
        return Debbugs(DebbugsSettings(url=folder.as_uri()), Context(remote="bugs"))

    @pytest.mark.parametrize(
        "log",
        [
            b"no record\n",
            b"\x07\nReceived: x\n\nnever ends\n",
            b"\x07\nReceived: x\n\x03\nbetween\n",
            b"\x03\n\x07\n",
        ],
    )
    def test_a_broken_log_is_said(self, tmp_path, log):
        """No half of a story."""
        with pytest.raises(Garbled, match="log"):
            self.bug(tmp_path, log).ticket(Ref(id="1"))

    def test_links_lead_nowhere(self, tmp_path):
        """Neither files nor folders are links in a spool."""
        spool = self.bug(tmp_path, b"")
        secret = tmp_path / "secret"
        secret.write_bytes(b"Format-Version: 3\nSubject: secret\n")
        (tmp_path / "db-h/02").mkdir()
        (tmp_path / "db-h/02/2.summary").symlink_to(secret)
        (tmp_path / "db-h/03").symlink_to(tmp_path / "db-h/01")
        (tmp_path / "db-h/01/4.summary").write_bytes(secret.read_bytes())
        (tmp_path / "db-h/05").mkdir()
        os.mkfifo(tmp_path / "db-h/05/5.summary")
        told = [i.id for i in spool.changed(Pull()) if isinstance(i, Ref)]
        assert told == ["1"]
        for number in "2345":
            with pytest.raises(NotFound):
                spool.ticket(Ref(id=number))
        (tmp_path / "db-h/01/1.log").unlink()
        with pytest.raises(NotFound, match="no log"):
            spool.ticket(Ref(id="1"))

    def test_a_file_too_large_is_not_read(self, tmp_path):
        """A sparse one of 65 MB."""
        spool = self.bug(tmp_path, b"")
        with (tmp_path / "db-h/01/1.log").open("wb") as file:
            file.truncate(65 << 20)
        with pytest.raises(Rejected, match="not read"):
            spool.ticket(Ref(id="1"))

    def test_a_folder_that_is_no_spool_is_said(self, tmp_path):
        """With what to do."""
        spool = Debbugs(DebbugsSettings(url=str(tmp_path)), Context())
        with pytest.raises(Transient, match="db-h"):
            spool.whoami()
        self.bug(tmp_path, b"")
        with pytest.raises(ConfigError, match="knows no maint"):
            list(spool.changed(Pull(query="maint:x")))

    def test_old_summaries_are_encoded(self, tmp_path):
        """Before format 3, as headers of mails are."""
        summary = (
            b"Format-Version: 2\nDate: 5\nSubject: =?utf-8?q?caf=C3=A9?=\nSubmitter: a@b.example\n"
        )
        spool = self.bug(tmp_path, b"", summary)
        shown = spool.ticket(Ref(id="1"))
        assert shown.fields["subject"] == "café"
        assert shown.created.timestamp() == 5
        assert shown.author.id == "a@b.example"

    @settings(deadline=None, max_examples=50)
    @given(st.binary(max_size=400))
    @example(b"Subject: \x80")
    def test_any_bytes_are_a_mail(self, data):
        """Garbage is read as garbage, and the same at each reading."""
        read = letter(data)
        assert read.digest
        assert read == letter(data)

    @settings(deadline=None, max_examples=50)
    @given(
        st.lists(
            st.sampled_from(
                [
                    b"From: =?x?b?\xff?= <a@b>\n",
                    b"Content-Type: multipart/mixed; boundary=b\n",
                    b"Content-Type: text/plain; charset=nonsense\n",
                    b"Content-Transfer-Encoding: base64\n",
                    b"Content-Disposition: attachment; filename*=utf-8''%ff\n",
                    b"Date: Mon, 99 Foo 2020 99:99:99 +9999\n",
                    b"\n",
                    b"--b\n",
                    b"--b--\n",
                    b"\xff\x00 text=\n",
                ]
            ),
            max_size=14,
        )
    )
    def test_broken_mails_are_read(self, lines):
        """Whatever of it makes sense."""
        assert letter(b"".join(lines)).digest

    def test_parts_of_a_mail(self):
        """Text is text, the rest are files; signatures are none."""
        raw = (
            b"Received: (at 5) by bugs; 20 Nov 2026 23:59:10 +0000\n"
            b'From: "Ann, A." <Ann@X.example>\nTo: 5@bugs\nMessage-ID: <1@x>\n'
            b"Content-Type: multipart/mixed; boundary=b\n\n"
            b"--b\nContent-Type: multipart/alternative; boundary=c\n\n"
            b"--c\nContent-Type: text/plain\n\nHello\n"
            b"--c\nContent-Type: text/html\n\n<p>Hello</p>\n--c--\n"
            b"--b\nContent-Type: message/rfc822\n\nSubject: inner\n\nkept\n"
            b"--b\nContent-Type: application/pgp-signature; name=s.asc\n\nxx\n"
            b"--b\nContent-Type: text/plain\n\n-- a list's foot\n--b--\n"
        )
        read = letter(raw)
        assert read.sender == Person(id="ann@x.example", name="Ann, A.", email="Ann@X.example")
        assert read.at == "5"
        assert read.text == "Hello\n-- a list's foot"
        assert [(f.name, f.content_type) for f in read.files] == [("part 1", "message/rfc822")]
        assert b"kept" in read.files[0].data
        page = letter(b"Content-Type: text/html; charset=latin-1\n\n<p>\xe9</p>\n")
        assert (page.text, page.html) == ("<p>é</p>", True)

    def test_a_command_that_goes_to_a_bug_too_is_a_comment(self):
        """People write to a bug and to control at once."""
        head = b"Received: (at control) by bugs; 1 Jan 2026 00:00:00 +0000\n"
        assert letter(head + b"To: control@bugs\n\nclose 5\n").is_command("5")
        both = letter(head + b"To: control@bugs\nCc: 5-done@bugs\n\nclose 5\n")
        assert not both.is_command("5")
        assert both.is_command("6")

    def test_a_report_of_another_bug_is_no_comment(self):
        """Nor are its files: its commands alone brought it into the log.  A clone keeps its mails."""
        head = b"Received: (at submit) by bugs; 1 Jan 2026 00:00:00 +0000\nFrom: a@b.example\n"
        mails = [
            head + b"Message-ID: <prophet-hub.k1@h>\nX-Prophet-Hub: report\n\nPackage: a\n\nWhy\n",
            head + b"Message-ID: <prophet-hub.k2@h>\nX-Prophet-Hub: report\n\n"
            b"Package: a\nControl: block 1 by -1\n\nOther\n",
            b"Received: (at 7) by bugs; 1 Jan 2026 00:00:00 +0000\nMessage-ID: <3@x>\n\nCloned\n",
        ]
        status = {"msgid": "<prophet-hub.k1@h>", "date": "1"}
        shown = ticket_of("1", status, [letter(mail) for mail in mails], "", "h@h")
        assert [c.body for c in shown.comments] == ["Cloned"]
        assert (shown.key, shown.fields["description"]) == ("k1", "Why\n")

    def test_an_mbox_is_unquoted(self):
        """Lines that begin as a mail does; twice under one Message-ID is once."""
        mail = b"Message-ID: <1@x>\n\n>From here\n>>From there\n"
        box = b"From unknown date\n" + mail + b"\n"
        assert [m.text for m in in_mbox(box + box)] == ["From here\n>From there"]
        assert in_mbox(box, one=True)[0].text == ">From here\n>>From there"
        with pytest.raises(Garbled):
            in_mbox(b"<html>")


class TestStory:
    """Notes of the log."""

    def note(self, more: str, who: str = "") -> str:
        return f"{who}<!-- time:1795219152 -->\n<strong>{more}"

    def test_a_closing_by_mail_is_told_in_words(self):
        """A second one, which names a version, closes nothing again."""
        words = "Reply sent</strong>\nto <code>x</code>:<br>\nYou have taken responsibility."
        who = "<!-- request_addr: Ann &lt;a@x.example&gt; -->\n"
        notes = self.note(words, who) + "\n" + self.note(words, who)
        events = events_of({"done": "Ann <a@x.example>"}, notes)
        assert [c for e in events for c in e.changes] == [
            FieldChange(field="done", old=None, new="a@x.example"),
            FieldChange(field="status", old="open", new="done"),
        ]

    def test_what_is_no_change_is_no_event(self):
        """Acknowledgements, and words that nobody knows."""
        notes = self.note("Acknowledgement sent</strong>\nto <code>x</code>:<br>\nNew report.")
        assert events_of({}, notes) == ()
        assert events_of({}, self.note("Bug archived.</strong>")) == ()

    def test_a_mail_that_reopens_and_takes_a_tag_away_moves_the_status_once(self, place):
        ticket = place.make(place.new())
        ref = Ref(id=ticket)
        for word in ("done wontfix", "open"):
            place.advance(10)
            place.connector.apply(Update(ref=ref, changes={"status": word}))
        place.edit(ticket, "severity", "minor")
        told = place.connector.ticket(ref).events
        assert [c for e in told for c in e.changes if c.field == "status"] == [
            FieldChange(field="status", old="open", new="done wontfix"),
            FieldChange(field="status", old="done wontfix", new="open"),
        ]

    def test_quotes_in_data_are_read(self):
        """As Perl writes them, and as HTML says them."""
        data = [
            html.escape(f"{{\n 'subject' => '{text}',\n 'found_versions' => [{held}]\n }}")
            for text, held in (("it\\'s \\\\new", "'a/1.10', '2'"), ("old", ""))
        ]
        notes = (
            "<!-- command:title -->\n<!-- requester: a@x.example -->\n<!-- time:5 -->\n"
            f"<!-- new_data:\n{data[0]}-->\n<!-- old_data:\n{data[1]}-->\n<strong>x</strong>"
        )
        (event,) = events_of({}, notes)
        assert event.changes == (
            FieldChange(field="subject", old="old", new="it's \\new"),
            SetChange(field="found_versions", added=frozenset({"a/1.10", "2"})),
        )
        assert event.author.id == "a@x.example"


class TestSoap:
    """Answers."""

    def said(self, text: str, status: int = 200) -> Answer:
        return Answer(status=status, headers={}, body=text.encode(), remote="bugs")

    def test_no_type_is_believed(self):
        """A version stays as it was written."""
        for kind, text, told in (
            ("float", "1.10", "1.10"),
            ("int", "007", "007"),
            ("base64Binary", "w6k=", "é"),
        ):
            body = f'<E {XSI}><Body><r><v x:type="xsd:{kind}">{text}</v></r></Body></E>'
            assert result_of(self.said(body)) == told

    @pytest.mark.parametrize(
        ("text", "status", "error"),
        [
            ("<html>", 200, Garbled),
            ("<html>", 500, Transient),
            ("<E/>", 200, Garbled),
            (
                "<E><Body><Fault><faultcode>soap:Server</faultcode></Fault></Body></E>",
                500,
                Transient,
            ),
            ('<!DOCTYPE a [<!ENTITY b "c">]><E>&b;</E>', 200, Garbled),
            (
                f'<E {XSI}><Body><r><v x:type="xsd:base64Binary">abc</v></r></Body></E>',
                200,
                Garbled,
            ),
        ],
    )
    def test_what_is_no_answer_is_said(self, text, status, error):
        """Each in its word."""
        with pytest.raises(error):
            result_of(self.said(text, status))

    def test_arguments_are_no_markup(self):
        """Nor is anything else that a query may hold."""
        assert b"&lt;a&amp;&gt;" in envelope("get_bugs", ("package", "<a&>"))
