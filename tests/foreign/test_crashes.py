"""A hub that dies at any request or commit of a first sync doubles and loses nothing."""

from __future__ import annotations

from foreign.kit import Hub, boundaries, crash, pair

TICKETS = 5


def world():
    r, t = pair()
    for number in range(TICKETS):
        ref = r.create("bob", {"summary": f"ticket {number}", "labels": frozenset({"a", "b"})})
        r.update("eve", ref, {"status": "open"})
        r.comment("eve", ref, f"comment {number}")
        r.attach("bob", ref, "a.txt", f"bytes {number}".encode())
    return r, t


def shown(tracker):
    return sorted(
        (
            item.fields["summary"],
            [note.body.rsplit("\n\n", 1)[-1] for note in item.comments],
            [file.data for file in item.attachments],
        )
        for item in tracker.items.values()
    )


def test_after_a_crash_at_every_boundary_nothing_is_doubled_or_missing(capsys):
    r, t = world()
    names = []
    with Hub(r, t) as hub:
        with boundaries(hub, lambda _: None) as count:
            for spec in hub.specs.values():
                inner = spec.connector.boundary
                spec.connector.boundary = lambda name, inner=inner: (
                    names.append(name),
                    inner(name),
                )
            hub.sync()
        total = count[0]
    sent = [name for name in names if name.startswith("before")]
    assert len(sent) == r.requests + t.requests  # every request was a boundary

    for at in range(total):
        r, t = world()
        before = shown(r)
        with Hub(r, t) as hub:
            assert crash(hub, at)
            hub.syncs(2)
            assert hub.conflicts() == []
            assert hub.inbox(r) == hub.inbox(t) == []
        assert (at, shown(r), shown(t)) == (at, before, before)
    with capsys.disabled():
        print(f"\n  {total} boundaries, {len(sent)} requests")
