"""What one replica offers another, and what comes along with the entries."""

from __future__ import annotations

import hashlib
import itertools
import shutil

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.settings import Settings
from prophet_hub.errors import Invalid
from prophet_hub.model import ids
from prophet_hub.values import INLINE, Stored

A = b"a" * 16
LONG = "ein langer Text, größer als eine Zeile\n" * INLINE


@pytest.fixture
def replicas():
    made = []

    def make(path=":memory:"):
        clock = itertools.count(1)
        made.append(Replica.open(path, clock=lambda: next(clock)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def edit(replica, record=A, **props):
    changes = {(prop, ""): value for prop, value in props.items()}
    replica.edit(record, "ticket", changes, author="jesse")


def pull(target, source):
    return target.integrate(source.offers(target.stands_at))


def test_what_is_known_is_not_offered_again(replicas):
    one, two = replicas(), replicas()
    for n in range(40):
        edit(one, summary=str(n))
    assert pull(two, one) == 40
    assert list(one.offers(two.stands_at)) == []
    edit(one, summary="new")
    assert len(list(one.offers(two.stands_at))) == 1
    assert pull(two, one) == 1
    assert one.tips() == two.tips()


def test_offers_come_in_the_order_in_which_they_came_here(replicas):
    one, two, three = replicas(), replicas(), replicas()
    edit(one, summary="a")
    pull(two, one)
    edit(two, summary="b")
    pull(one, two)
    edit(one, summary="c")
    assert pull(three, one) == 3
    assert [row.author for row in three.log()] == ["jesse"] * 3
    assert three.shown(A)["summary"] == "c"


def test_the_cost_goes_with_what_is_new(replicas):
    one, two = replicas(), replicas()
    for n in range(1000):
        edit(one, summary=str(n))
    pull(two, one)
    edit(one, summary="new")
    asked = []

    def knows(*place):
        asked.append(place)
        return two.stands_at(*place)

    assert len(list(one.offers(knows))) == 1
    assert len(asked) < 15


def test_a_fork_is_offered_from_where_it_begins(replicas, tmp_path):
    one, two = replicas(tmp_path / "one.db"), replicas()
    for n in range(5):
        edit(one, summary=str(n))
    pull(two, one)
    shutil.copy(tmp_path / "one.db", tmp_path / "copy.db")
    copy = replicas(tmp_path / "copy.db")
    copy._recorder.origin = one.origin  # a copy that does not notice
    copy.store.set_meta("origin", one.origin)
    edit(one, summary="one")
    edit(copy, summary="copy")
    assert pull(two, one) == 1
    assert pull(two, copy) == 1
    assert len(two.tips()) == 2
    third = replicas()
    assert pull(third, two) == 7
    assert third.tips() == two.tips()


def test_long_texts_travel_with_the_entry_that_names_them(replicas):
    one, two = replicas(), replicas()
    edit(one, description=LONG)
    edit(one, description=LONG + "more")
    first, second = one.offers(two.stands_at)
    assert [len(first.texts), len(second.texts)] == [1, 1]
    two.integrate([first, second])
    assert two.text(two.shown(A)["description"]) == LONG + "more"
    assert two.wanted() == []


def test_what_did_not_come_along_is_wanted_until_it_is_supplied(replicas):
    one, two = replicas(), replicas()
    stored = one.store.blobs.put([b"content"])
    edit(one, content=stored, description=LONG)
    (parcel,) = one.offers(two.stands_at)
    two.integrate([parcel._replace(texts=(b"a forgery",))])
    assert {w.sha256 for w in two.wanted()} == {stored.sha256, _long().sha256}
    with pytest.raises(Invalid):
        two.supply(stored, [b"Content"])
    for one_wanted in two.wanted():
        two.supply(one_wanted, one.content(one_wanted))
    assert two.wanted() == []
    assert b"".join(two.content(stored)) == b"content"
    assert two.text(two.shown(A)["description"]) == LONG
    two.rebuild()
    assert two.wanted() == []


def test_a_signature_is_passed_on(replicas):
    one, two, three = replicas(), replicas(), replicas()
    edit(one, summary="x")
    (parcel,) = one.offers(two.stands_at)
    two.integrate([parcel._replace(seal=b"s" * 96)])
    pull(three, two)
    (found,) = three.offers(lambda *_: False)
    assert found.seal == b"s" * 96


def test_settings_are_replicated(replicas):
    one, two = replicas(), replicas()
    Settings(one).set("statuses", ["new", "open"], author="jesse")
    at = one.latest()
    Settings(one).set("statuses", ["new", "open"], author="jesse")
    assert one.latest() == at
    pull(two, one)
    assert Settings(two).get("statuses") == ["new", "open"]
    assert Settings(two).names() == ["statuses"]
    Settings(two).set("statuses", None, author="jesse")
    assert Settings(two).get("statuses") is None
    assert Settings(two).names() == []
    assert Settings(two).get(ids.fresh().hex()) is None


def _long() -> Stored:
    data = LONG.encode()
    return Stored(hashlib.sha256(data).hexdigest(), len(data))
