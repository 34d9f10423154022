"""F29: a connector that trips over one answer stops one ticket, never the run."""

from __future__ import annotations

import pytest

from foreign.kit import Hub, pair


def _trips(connector, method, *, after):
    """Lets the first call of a method end in a way that no connector should, done or not done."""
    call, calls = getattr(connector, method), []

    def tripping(*words):
        calls.append(words)
        if len(calls) > 1:
            return call(*words)
        if after:
            call(*words)
        raise KeyError("subject")

    setattr(connector, method, tripping)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("remote", "method"), [("R", "ticket"), ("T", "apply"), ("R", "changed")])
def test_a_connector_that_trips_harms_nothing_else_and_the_next_run_goes_on(remote, method, after):
    r, t = pair()
    for name in ("x", "y"):
        r.create("bob", {"summary": name})
    with Hub(r, t) as hub:
        _trips(hub.specs[remote].connector, method, after=after)
        if method == "changed":
            with pytest.raises(Exception, match=r"R told its list of changes in a form"):
                hub.sync()
        else:
            hub.sync()
            assert len(t.items) >= 1
        hub.syncs()
        assert sorted(i.fields["summary"] for i in t.items.values()) == ["x", "y"]
        assert hub.inbox(r) == hub.inbox(t) == []
