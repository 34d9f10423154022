"""No tracker is asked for anything that does not stand in the audit before."""

from __future__ import annotations

from collections import Counter

import pytest

from foreign.kit import Hub, crash, once, pair, tick
from foreign.worlds import World
from house.guards import Guard, switched_off
from prophet_hub.errors import Rejected, Unsure
from prophet_hub.foreign.audit import backward, lines
from prophet_hub.foreign.audit_check import verify
from prophet_hub.sdk import Create, Delete


def told(hub):
    return [line.body for line in lines(hub.replica.store)]


def asked(hub):
    return [body for body in told(hub) if body["what"] == "asked"]


def outcomes(hub):
    """By request, what came of it, in order."""
    found = {body["number"]: [] for body in asked(hub)}
    for body in told(hub):
        if body["what"] == "answered":
            found[body["of"]].append(body["outcome"])
    return found


class Listening(World):
    """Looks, at the very moment of each request, what stands in the audit on disk."""

    def _listen(self, name, connector):
        super()._listen(name, connector)
        inner = connector.apply

        def applied(operation):
            verb = (
                "create" if isinstance(operation, Create)
                else "delete" if isinstance(operation, Delete) else "update"
            )  # fmt: skip
            ref = operation.ref
            said = name, verb, ref.kind, ref.id, ref.ticket
            bodies = (line.body for line in backward(self.hub.replica.store))
            last = next((body for body in bodies if body["what"] == "asked"), {})
            line = tuple(last.get(key) for key in ("remote", "verb", "kind", "item", "ticket"))
            if self.hub.replica.store.in_transaction or line != said:
                self.unsaid.append(said)
            self.calls.append(last.get("number"))
            return inner(operation)

        connector.apply = applied

    def _watch(self):
        self.calls, self.unsaid = [], []
        super()._watch()


def played(seeds):
    """Returns how many requests there were, what left without a line of its own, what stays open."""
    calls, unsaid, unanswered = 0, [], 0
    for seed in seeds:
        world = Listening(seed, chaos="all", odd=["", "refuse", "workflow"][seed % 3])
        try:
            world.play(3 + seed % 22)
            calls += len(world.calls)
            unsaid += world.unsaid
            unsaid += [n for n, count in Counter(world.calls).items() if count > 1]
            came = outcomes(world.hub).values()
            unanswered += sum(not found or found[-1] == "unsure" for found in came)
            assert verify(world.hub.replica.store).fault == "", seed
        finally:
            world.close()
    return calls, unsaid, unanswered


def test_in_random_worlds_no_request_leaves_without_a_line_of_its_own():
    calls, unsaid, unanswered = played(range(30))

    assert calls > 100
    assert unsaid == []
    assert unanswered == 0  # what a hub died over is told by a reading


def test_a_request_has_a_line_before_it_and_one_for_what_came_of_it():
    r, t = pair()
    r.create("bob", {"summary": "Printer on fire", "status": "open"})
    with Hub(r, t) as hub:
        hub.syncs(2)
        (create,) = asked(hub)
        (answer,) = [body for body in told(hub) if body["what"] == "answered"]

    assert (create["number"], create["verb"], create["remote"], create["item"]) == (
        1, "create", "T", "",
    )  # fmt: skip
    assert (answer["of"], answer["outcome"], answer["item"]) == (1, "done", "1")
    assert answer["before"] != create["before"]
    assert len(create["causes"]) == 2  # summary and status, as R's birth told them


def test_a_line_tells_no_value():
    r, t = pair()
    r.create("bob", {"summary": "Printer on fire"})
    with Hub(r, t) as hub:
        hub.sync()
        assert b"Printer" not in b"".join(line.raw for line in lines(hub.replica.store))
        (row,) = [hub.foreign("T")._side.ledger.journal("run-1", 1)]
        assert row.after == {"summary": "Printer on fire"}


def test_what_a_hub_died_over_is_told_by_the_next_reading():
    r, t = pair()
    ref = r.create("bob", {"summary": "one", "status": "open"})
    with Hub(r, t) as hub:
        hub.syncs(2)
        seen = set()
        for at in range(40):
            tick(r, t)
            r.update("eve", ref, {"summary": f"summary {at}"})
            if not crash(hub, at):
                break
            hub.syncs(2)
            assert t.items["1"].fields["summary"] == f"summary {at}"
            seen |= {tuple(found) for found in outcomes(hub).values()}
        assert at > 5
    # sent and shown; noted and never sent
    assert {("done",), ("never",)} <= seen


def test_an_answer_that_was_lost_is_unsure_and_then_known():
    r, t = pair(keys=frozenset())
    ref = r.create("bob", {"summary": "one"})
    with Hub(r, t) as hub:
        hub.syncs(2)
        tick(r, t)
        r.update("eve", ref, {"summary": "two"})

        def lost():
            raise Unsure("The line was cut.")

        with once(hub.specs["T"].connector, "after PUT", lost):
            hub.sync()
        assert outcomes(hub)[3] == ["unsure"]
        hub.sync()
        assert outcomes(hub)[3] == ["unsure", "done"]


def test_a_create_that_is_not_found_was_never():
    r, t = pair()
    r.create("bob", {"summary": "one"})
    with Hub(r, t) as hub:

        def lost():
            raise Unsure("The line was cut.")

        with once(hub.specs["T"].connector, "before POST", lost):
            hub.sync()
        hub.syncs(2)
        assert outcomes(hub) == {1: ["unsure", "never"], 4: ["done"]}


def test_a_refusal_is_a_line():
    r, t = pair()
    r.create("bob", {"summary": "one"})
    with Hub(r, t) as hub:

        def refused():
            raise Rejected("Not today.", status=422)

        with once(hub.specs["T"].connector, "before POST", refused):
            hub.sync()
        assert outcomes(hub) == {1: ["failed"]}


FOREIGN = "prophet_hub.foreign."
GUARDS = (
    (Guard("a request is a line", f"{FOREIGN}desk", "return side.audit.asked(row)", "return 0"),
     test_in_random_worlds_no_request_leaves_without_a_line_of_its_own),
    (Guard("each request has its own line", f"{FOREIGN}audit",
           "        row = msgspec.structs.replace(row, salt=ids.fresh())",
           "        row = msgspec.structs.replace(row, salt=ids.fresh())\n"
           "        if row.verb == 'update':\n            return 0"),
     test_in_random_worlds_no_request_leaves_without_a_line_of_its_own),
    (Guard("a reading tells what became of a change", f"{FOREIGN}items",
           "self._came(ref, known, reading)", "pass"),
     test_what_a_hub_died_over_is_told_by_the_next_reading),
    (Guard("an answer that is lost is told", f"{FOREIGN}desk",
           "self.close(number, Outcome.UNSURE)", "pass"),
     test_an_answer_that_was_lost_is_unsure_and_then_known),
    (Guard("a create that is not found is told", f"{FOREIGN}first",
           'side.audit.answered(intent.number, Outcome.NEVER, item="", now=side.now())', "pass"),
     test_a_create_that_is_not_found_was_never),
)  # fmt: skip


@pytest.mark.parametrize(("guard", "scenario"), GUARDS, ids=[guard.rule for guard, _ in GUARDS])
def test_without_its_guard_a_line_is_missing(guard, scenario):
    with switched_off(guard), pytest.raises((AssertionError, ValueError)):
        scenario()
