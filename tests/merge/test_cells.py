"""Heads, against their definition on any graph; renderings; what a cell shows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from prophet_hub.merge.cells import distinct, head_of, heads_of, one_write, pasts, reach, shown_of
from prophet_hub.merge.conflicts import dead, state_of
from prophet_hub.merge.settle import ask, first_of, newest
from prophet_hub.model.changes import Cell, Write
from prophet_hub.values import PRESENT, Stored

STATUS = Cell(b"t" * 16, "status")


def write(name, value="x", above=(), **more):
    return Write(bytes([name]) * 16, STATUS, "ticket", value,
                 tuple(bytes([a]) * 16 for a in above), **more)  # fmt: skip


graphs = st.lists(
    st.tuples(
        st.sampled_from("xyz"),
        st.frozensets(st.integers(0, 7), max_size=3),  # 6, 7: elsewhere or unknown
        st.sampled_from(["", "", "", "person", "newest"]),
    ),
    min_size=1,
    max_size=6,
)


def by_definition(writes, edges):
    """The law's own words, as slow as they are."""

    def past(name):
        known, before = set(), None
        while known != before:
            before = set(known)
            known |= set(edges(name)) | {a for k in known for a in edges(k)}
        return known

    def knew(one, other):
        return other.id in past(one.id) or (other.automatic and past(other.id) <= past(one.id))

    return {
        w.id for w in writes if not any(knew(o, w) and not knew(w, o) for o in writes)
    }  # fmt: skip


@settings(max_examples=400, deadline=None, derandomize=True)
@given(graphs, st.frozensets(st.integers(0, 7), max_size=2))
def test_heads_are_the_maxima_of_knowing(graph, elsewhere):
    """On any graph, with circles, causes unknown, and paths that leave the cell."""
    writes = [write(n, v, above, rule=rule) for n, (v, above, rule) in enumerate(graph)]
    named = {w.id: w.supersedes for w in writes}
    named[bytes([6]) * 16] = tuple(bytes([e]) * 16 for e in elsewhere)

    def edges(name):
        return named.get(name, ())

    found = heads_of(writes, edges)

    assert {h.id for h in found} == by_definition(writes, edges)
    assert found
    assert [h.id for h in found] == sorted(h.id for h in found)


def test_reach_and_pasts():
    edges = {1: (2,), 2: (3,), 3: (2,)}.get
    assert reach((1,), lambda w: edges(w, ())) == {2, 3}
    assert pasts((1, 3), lambda w: edges(w, ())) == {1: {2, 3}, 3: {2, 3}}


def test_renderings_do_not_depend_on_the_order_of_places():
    """Least value, earliest date, united supersessions and lists; texts come before contents."""
    copies = [
        write(1, "b", (2,), created=9, seen=(b"s",)),
        write(1, "a", (3,), created=5, seen=(b"r",)),
        write(1, Stored("00" * 32, 1), (), created=7),
    ]
    one = one_write(copies)
    assert one == one_write(copies[::-1])
    assert (one.value, one.created, one.seen) == ("a", 5, (b"r", b"s"))
    assert one.supersedes == (b"\2" * 16, b"\3" * 16)
    assert one_write(copies[:1]) is copies[0]
    assert one_write([*copies, write(1, None)]).value is None


def test_shown():
    """Presence in sets, the newest elsewhere; of equal dates the greatest id."""
    heads = [head_of(write(n, v, created=at)) for n, v, at in ((1, "x", 5), (2, None, 9))]
    assert shown_of((), "") is None
    assert shown_of(heads[:1], "") == "x"
    assert shown_of(heads, "") is None
    assert shown_of(heads, "member") == PRESENT
    assert shown_of([head_of(write(n, v)) for n, v in ((1, "a"), (2, "b"))], "") == "b"
    assert distinct(heads) == {"x", None}
    assert (dead(heads), dead(heads[1:]), dead(())) == (False, True, False)
    assert state_of("life", "alive", tuple(heads[1:]), late=True).shown == PRESENT


def test_policies_are_asked_in_turn():
    heads = tuple(head_of(write(n, v)) for n, v in ((1, "a"), (2, "b")))
    from_state = state_of("status", "", heads)

    class Conflict:
        cell = from_state

    assert ask(Conflict) == ()
    assert first_of(ask, newest)(Conflict) == (("newest", "b"),)
    assert first_of(ask)(Conflict) == ()
