"""F23: what is private stays where it is, and staying costs nothing."""

from __future__ import annotations

from dataclasses import replace

from foreign.kit import Hub, pair, tick
from prophet_hub.foreign.planner import Planner


def test_private_comments_that_stay_are_not_looked_at_in_every_run(monkeypatch):
    r, t = pair()
    r.create("bob", {"summary": "x"})
    for number in range(20):
        r.comment("bob", "1", f"among us {number}", private=True)
    with Hub(r, t) as hub:
        tick(r, t), hub.syncs()
        looked, record = [], Planner._record
        monkeypatch.setattr(
            Planner, "_record", lambda self, *row: looked.append(row) or record(self, *row)
        )
        hub.sync()
        assert (looked, t.items["1"].comments) == ([], [])

        r.items["1"].comments[0].private = False
        r._touch(r.items["1"])
        tick(r, t), hub.syncs()
        assert len(t.items["1"].comments) == 1

        hub.change("T", audience="private")
        hub.syncs()
        assert [c.private for c in t.items["1"].comments] == [False, *[True] * 19]


def test_a_ticket_that_becomes_private_sends_nothing_more():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        tick(r, t), hub.syncs()
        r.items["1"].private = True
        r.update("bob", "1", {"summary": "secret"})
        r.comment("bob", "1", "secret"), r.attach("bob", "1", "secret.txt", b"secret")
        tick(r, t), hub.syncs()
        copy = t.items["1"]
        assert (copy.fields["summary"], copy.comments, copy.attachments) == ("x", [], [])

        r.items["1"].private = False
        r._touch(r.items["1"])
        tick(r, t), hub.syncs()
        copy = t.items["1"]
        assert (copy.fields["summary"], len(copy.comments), len(copy.attachments)) == (
            "secret",
            1,
            1,
        )


def said(tracker):
    """Everything that a tracker shows, as one text."""
    return "\n".join(
        f"{item.fields} {[note.body for note in item.comments]} "
        f"{[(file.name, file.data) for file in item.attachments]}"
        for item in tracker.items.values()
    )


def test_however_a_flag_moves_nothing_private_reaches_a_wider_audience():
    """What is private has the word `secret` in it, wherever it stands."""
    r, t = pair()
    hidden = r.create("bob", {"summary": "secret at birth"}, private=True)
    ref = r.create("bob", {"summary": "all may read it"})
    note = r.comment("bob", ref, "a secret among us", private=True)
    r.attach("bob", ref, "secret picture in it.png", b"secret", comment=note)
    r.attach("bob", ref, "secret.txt", b"secret", private=True)
    r.comment("bob", ref, "secret or not, nobody tells")
    public = r.comment("bob", ref, "hello all")
    with Hub(r, t) as hub:
        fetch = hub.specs["R"].connector.ticket
        hub.specs["R"].connector.ticket = lambda ref: replace(
            told := fetch(ref),
            comments=tuple(
                replace(c, private=None) if "nobody tells" in c.body else c for c in told.comments
            ),
        )
        tick(r, t), hub.syncs()
        assert "secret" not in said(t), "what is private was told to everybody"
        assert "hello all" in said(t)

        r.items[ref].private = True
        r.update("bob", ref, {"summary": "now secret"}, added={"labels": {"secret-label"}})
        r.edit_comment("bob", ref, public, "hello, secret")
        r.comment("bob", ref, "a secret thought"), r.attach("bob", ref, "secret.c", b"secret")
        tick(r, t), hub.syncs()
        assert "secret" not in said(t), "a ticket that became private was still told"

        r.items[hidden].private = r.items[ref].private = False
        r._touch(r.items[hidden]), r._touch(r.items[ref])
        tick(r, t), hub.syncs()
        assert all(word in said(t) for word in ("at birth", "now secret", "thought", "secret.c"))
        assert not any(word in said(t) for word in ("among us", "picture", ".txt", "or not"))


def test_what_becomes_private_between_plan_and_write_is_not_sent():
    r, t = pair()
    known = r.create("bob", {"summary": "known"})
    with Hub(r, t) as hub:
        hub.syncs()
        tick(r, t)
        new = r.create("bob", {"summary": "a secret"})
        r.update("bob", known, {"summary": "another secret"})
        r.comment("bob", known, "a secret, too")
        list(hub.foreign("R").pull())
        plan = list(hub.foreign("T").plan(list(hub.specs.values())))
        for ref in (known, new):
            r.items[ref].private = True
            r._touch(r.items[ref])
        list(hub.foreign("R").pull())
        list(hub.foreign("T").apply(plan))
        assert (len(plan), len(hub.foreign("T").inbox()) > 0) == (3, True)
        assert "secret" not in said(t), "it was private when it was sent"
