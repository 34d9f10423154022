"""debbugs: what a real server said and left in its spool, digested into sensible tickets.

The recordings are of a server that ran for this; they are no part of the project.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import responses

from prophet_connectors._debbugs_letters import letter
from prophet_connectors._debbugs_soap import envelope, result_of
from prophet_connectors.debbugs import Debbugs, DebbugsSettings
from prophet_hub.errors import NotFound, Rejected
from prophet_hub.sdk import Checkpoint, Context, FieldChange, Pull, Ref, SetChange
from prophet_hub.sdk.answers import Answer

RECORDED = Path(
    os.environ.get("PROPHET_HUB_RECORDED") or Path(__file__).parents[3] / "shared/recorded"
)
HERE = RECORDED / "debbugs/local-debbugs-2024"
pytestmark = pytest.mark.skipif(
    not HERE.is_dir(), reason=f"there are no recordings of debbugs in {RECORDED}"
)
CGI = "https://bugs.example/cgi-bin"


def said(path: Path) -> Answer:
    """Returns a recorded answer."""
    _, _, told = path.read_text("utf-8").partition("=== response ===\n")
    head, _, body = told.partition("\n\n")
    status = int(head.split()[1])
    return Answer(status=status, headers={}, body=body.encode(), remote="debbugs")


def asked(path: Path) -> str:
    """Returns a recorded request's body."""
    return path.read_text("utf-8").partition("\n\n")[2].partition("\n\n=== response")[0]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Returns the recorded spool as a folder."""
    for file in HERE.glob("spool__*"):
        target = tmp_path.joinpath(*file.name.split("__")[1:])
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return tmp_path


def test_every_exchange_is_understood():
    """Ten of them: lists, statuses, a log, tags, and two faults; nothing else is there."""
    told = {}
    for path in sorted(HERE.glob("*.http")):
        try:
            told[path.stem] = result_of(said(path))
        except (NotFound, Rejected) as error:
            told[path.stem] = error
    assert len(told) == 10
    assert told["01-get_bugs-package"] == ["1", "2"]
    assert told["02-get_bugs-none"] == []
    assert told["05-get_status-missing"] == told["08-get_usertag"] == ""
    assert told["07-newest_bugs"] == ["1", "2"]
    assert isinstance(told["09-nomethod"], Rejected)
    assert isinstance(told["10-get_bug_log-missing"], NotFound)
    assert told["03-get_status-1"]["1"] == told["04-get_status-1-2"]["1"]
    assert told["03-get_status-1"]["1"]["fixed_versions"] == ["1.0-2"]
    assert told["03-get_status-1"]["1"]["found"] == {"1.0-1": ""}
    assert [m["msg_num"] for m in told["06-get_bug_log-1"]] == ["5", "10", "17", "32"]


def test_requests_are_asked_as_the_recorded_ones():
    """The same procedure with the same arguments, whatever the envelope is called."""
    for name, method, args in (
        ("01-get_bugs-package", "get_bugs", ("package", "foo")),
        ("04-get_status-1-2", "get_status", (1, 2)),
        ("06-get_bug_log-1", "get_bug_log", (1,)),
    ):
        parts = [
            re.findall(r"<(?:ns1?:)?(\w+)(?: [^>]*)?>(\w*)<", text)
            for text in (asked(HERE / f"{name}.http"), envelope(method, args).decode())
        ]
        assert parts[0] == parts[1], name


def test_a_server_tells_sensible_tickets():
    """By the recorded answers, the mails by SOAP."""
    answers = {
        "get_bugs": "01-get_bugs-package",
        "get_status": "04-get_status-1-2",
        "get_bug_log": "06-get_bug_log-1",
    }

    def answer(request):
        method = re.search(r"<ns:(\w+) ", request.body.decode())[1]
        told = said(HERE / f"{answers[method]}.http")
        return told.status, {"Content-Type": "text/xml"}, told.body

    settings = DebbugsSettings(url=CGI, mbox=False, history=False)
    with responses.RequestsMock() as mock:
        mock.add_callback("POST", f"{CGI}/soap.cgi", callback=answer)
        debbugs = Debbugs(settings, Context(remote="debbugs"))
        items = list(debbugs.changed(Pull(query="package:foo")))
        shown = debbugs.ticket(Ref(id="1"))
        debbugs.close()
    assert [i.id for i in items if isinstance(i, Ref)] == ["2", "1"]
    assert isinstance(items[-1], Checkpoint)
    whole(shown)
    bodies = [c.body for c in shown.comments]
    assert bodies == ["Fixed in 1.0-2."], "commands are no comments"


def whole(shown):
    """Asserts what every way of reading tells of the first bug."""
    assert shown.fields["subject"] == "Login page fails hard"
    assert shown.fields["description"] == "First line\nsecond Ã© line"  # so it was sent
    assert (shown.fields["status"], shown.fields["severity"]) == ("done", "normal")
    assert shown.fields["tags"] == {"patch", "moreinfo"}
    assert shown.fields["package"] == "foo"
    assert shown.fields["owner"] == shown.fields["done"] == "alice@example.test"
    assert shown.fields["originator"] == shown.author.id == "bob@example.test"
    assert shown.fields["blockedby"] == {"2"}
    assert shown.fields["found_versions"] == {"1.0-1"}
    assert shown.fields["fixed_versions"] == {"1.0-2"}
    assert shown.fields["forwarded"] == "https://tracker.example.test/42"
    assert shown.fields["archived"] == "no"
    assert "blocks" not in shown.fields
    assert shown.people["alice@example.test"].name == "Alice"
    assert shown.created == datetime(2026, 11, 20, 23, 59, 8, tzinfo=UTC)
    assert not shown.key, "a key of another program is none of ours"


def test_the_spool_tells_sensible_tickets(spool):
    """Both bugs, with what only the log knows: who changed what, in order."""
    debbugs = Debbugs(DebbugsSettings(url=f"file://{spool}"), Context(remote="debbugs"))
    assert debbugs.whoami().id
    items = list(debbugs.changed(Pull()))
    assert {i.id for i in items if isinstance(i, Ref)} == {"1", "2"}
    one, two = (debbugs.ticket(Ref(id=n)) for n in ("1", "2"))
    whole(one)
    assert [c.body for c in one.comments] == ["Fixed in 1.0-2."]
    changes = [(e.author.id, c) for e in one.events for c in e.changes]
    alice, bob = "alice@example.test", "bob@example.test"
    assert (alice, FieldChange(field="severity", old="important", new="normal")) in changes
    assert (
        alice,
        FieldChange(field="subject", old="Login page fails", new="Login page fails hard"),
    ) in changes
    assert (alice, SetChange(field="tags", added=frozenset({"moreinfo"}))) in changes
    assert (alice, SetChange(field="blockedby", added=frozenset({"2"}))) in changes
    assert (alice, FieldChange(field="status", old="open", new="done")) in changes
    assert (alice, FieldChange(field="owner", old=None, new=alice)) in changes
    times = [e.created for e in one.events]
    assert times == sorted(times)
    assert two.fields["blocks"] == {"1"}
    assert two.fields["severity"] == "important"
    assert two.fields["status"] == "open"
    assert two.fields["description"] == "First line"
    assert two.author.id == bob
    debbugs.close()


def test_the_spool_is_searched(spool):
    """By what stands in the summaries."""
    debbugs = Debbugs(DebbugsSettings(url=str(spool)), Context(remote="debbugs"))
    for query, ids in (
        ("status:open", {"2"}),
        ("severity:important severity:normal package:foo", {"1", "2"}),
        ("tag:moreinfo", {"1"}),
        ("package:bar", set()),
        ("submitter:bob@example.test", {"1", "2"}),
    ):
        told = debbugs.changed(Pull(query=query))
        assert {i.id for i in told if isinstance(i, Ref)} == ids, query


def test_the_report_is_a_mail(spool):
    """As the first record of the log is."""
    report = letter((spool / "db-h/01/1.report").read_bytes())
    assert report.at == "submit"
    assert report.sender.id == "bob@example.test"
