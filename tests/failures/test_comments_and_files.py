"""F16, F17: comments and files are carried as they are, each of them once."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from foreign.kit import Hub, pair, tick
from prophet_hub.sdk import COMMENT, Gone, History, Ref
from prophet_hub.testing.faults import Fault, What

DATA = bytes(range(256)) * 300 + b"\r\n\x00"
CYCLES = 100


def said(item):
    """The bodies of an item's comments, without lines that say who wrote them."""
    return [note.body.partition(":\n\n")[2] or note.body for note in item.comments]


@contextmanager
def remarked(history=History.FULL, **knobs):
    """A ticket with a comment from either side, both in step; yields hub, trackers and comments."""
    r, t = pair(history=history, **knobs)
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        hub.syncs(), tick(r, t)
        ours, theirs = r.comment("bob", "1", "from R"), t.comment("eve", "1", "from T")
        hub.syncs(), tick(r, t)
        for x in (r, t):
            assert sorted(said(x.items["1"])) == ["from R", "from T"], "a comment was made twice"
        yield hub, r, t, ours, theirs


@pytest.mark.parametrize("keys", [True, False])
@pytest.mark.parametrize("history", list(History))
def test_a_comment_that_is_edited_on_both_sides_is_one_comment_and_says_the_last(history, keys):
    with remarked(history, **({} if keys else {"keys": frozenset()})) as (hub, r, t, ours, theirs):
        for n, text in enumerate(("two", "three", "four")):
            r.edit_comment("bob", "1", ours, f"{text} from R")
            t.edit_comment("eve", "1", theirs, f"{text} from T")
            hub.syncs(), tick(r, t)
            expected = sorted((f"{text} from R", f"{text} from T"))
            for x in (r, t):
                assert sorted(said(x.items["1"])) == expected, f"edit {n} was lost or doubled"
        for x, own in ((r, ours), (t, theirs)):
            copy = next(note for note in x.items["1"].comments if note.id != own)
            x.edit_comment("jesse", "1", copy.id, copy.body.replace("four", "five"))
        hub.syncs(), tick(r, t)
        for x in (r, t):
            assert sorted(said(x.items["1"])) == ["five from R", "five from T"], (
                "an edit of the copy was lost or doubled"
            )
        writes = r.writes, t.writes
        hub.syncs()
        assert (r.writes, t.writes, hub.conflicts()) == (*writes, [])


@pytest.mark.parametrize("side", ["R", "T"])
def test_a_comment_that_one_side_takes_away_is_not_made_there_again(side):
    """No tracker tells why it is not seen; the other side keeps it and may edit it."""
    with remarked() as (hub, r, t, _, _):
        here, other = (r, t) if side == "R" else (t, r)
        (mine,) = [n for n in here.items["1"].comments if "from R" in n.body]
        (copy,) = [n for n in other.items["1"].comments if "from R" in n.body]
        here.delete_comment("bob", "1", mine.id)
        for n in range(3):
            hub.syncs(), tick(r, t)
            other.edit_comment("eve", "1", copy.id, copy.body.replace("from R", f"from R, {n}"))
            assert said(here.items["1"]) == ["from T"], "a comment that was taken away came back"
        hub.syncs(), tick(r, t)
        assert len(other.items["1"].comments) == 2
        here.items["1"].comments.append(mine)  # given back, as some trackers can
        here._touch(here.items["1"])
        hub.syncs(), tick(r, t)
        for x in (r, t):
            assert len(x.items["1"].comments) == 2, "a comment that was given back was doubled"
            assert sum("from R, 2" in body for body in said(x.items["1"])) == 1, (
                "what was said meanwhile of a comment that was away is lost"
            )
        assert hub.conflicts() == []


def test_a_delete_of_a_comment_that_is_told_goes_to_the_other_side():
    with remarked() as (hub, r, t, ours, _):
        connector, listing = hub.specs["R"].connector, hub.specs["R"].connector.changed
        r.delete_comment("bob", "1", ours)

        def changed(pull):
            yield Gone(ref=Ref(kind=COMMENT, id=ours, ticket="1"))
            yield from listing(pull)

        connector.changed = changed
        hub.syncs(), tick(r, t)
        connector.changed = listing
        hub.syncs()
        assert said(t.items["1"]) == ["from T"], "a deleted comment stays on the other side"
        assert said(r.items["1"]) == ["from T"]
        assert hub.conflicts() == []


# --- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [True, False])
def test_in_a_hundred_runs_a_file_is_read_once_and_sent_once(keys):
    """The ticket changes all the time, so that it is read and written in each of them."""
    r, t = pair(**({} if keys else {"keys": frozenset()}))
    r.create("bob", {"summary": "x"})
    r.attach("bob", "1", "a.bin", DATA), t.create("eve", {"summary": "another"})
    asked = []
    with Hub(r, t) as hub:
        for spec in hub.specs.values():
            spec.connector.boundary = asked.append
        hub.syncs(), tick(r, t)
        (copy,) = [i for i in t.items.values() if i.fields["summary"] == "x"]
        for n in range(CYCLES):
            if not n % 5:
                r.update("bob", "1", {"priority": f"{n}"})
                t.update("eve", copy.id, {"status": f"{n}"})
            hub.sync(), tick(r, t)
        assert [file.data for file in copy.attachments] == [DATA], "uploaded again, or broken"
        assert [file.data for file in r.items["1"].attachments] == [DATA], "it came home as a copy"
        read = [words for words in asked if words.startswith("before GET /attachment")]
        sent = [words for words in asked if words.startswith("before POST") and "attach" in words]
        assert len(sent) == 1, f"uploaded {len(sent)} times"
        assert len(read) == 1, f"downloaded {len(read)} times"


def test_the_same_file_on_both_sides_is_sent_to_neither():
    """Somebody put it there by hand; in a mail and in the tracker, say."""
    r, t = pair()
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        hub.syncs(), tick(r, t)
        r.attach("bob", "1", "a.bin", DATA), t.attach("eve", "1", "A (1).bin", DATA)
        hub.syncs(), tick(r, t)
        for x in (r, t):
            assert [file.data for file in x.items["1"].attachments] == [DATA], "the same file twice"
        assert hub.inbox(r) == hub.inbox(t) == []


def test_a_file_that_came_in_part_is_no_file():
    """It is read again, and what arrives on the other side has all its bytes."""
    r, t = pair()
    r.create("bob", {"summary": "x"})
    r.attach("bob", "1", "a.bin", DATA)
    with Hub(r, t) as hub:
        connector, whole = hub.specs["R"].connector, hub.specs["R"].connector.content
        connector.content = lambda ref: iter([b"".join(whole(ref))[:1000]])
        hub.syncs(2), tick(r, t)
        broken = [len(file.data) for file in t.items["1"].attachments]
        assert broken == [], f"sent with {broken} bytes"
        connector.content = whole
        hub.syncs()
        assert [file.data for file in t.items["1"].attachments] == [DATA]
        assert hub.inbox(r) == hub.inbox(t) == []


def test_a_lost_answer_to_an_upload_is_no_second_file():
    r, t = pair(keys=frozenset())
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        hub.syncs(), tick(r, t)
        r.attach("bob", "1", "a.bin", DATA)
        t.faults.add(Fault(what=What.LOST, method="POST", path="/ticket/1/attachment"))
        for _ in range(4):
            hub.sync(), tick(r, t)
        for x in (r, t):
            assert len(x.items["1"].attachments) == 1, "uploaded again though it had arrived"
