"""An operation goes through its own door, and what is not promised through none."""

from __future__ import annotations

import pytest

from prophet_hub.errors import Unsupported
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Capabilities,
    Create,
    Delete,
    History,
    Receipt,
    Ref,
    Update,
)
from prophet_hub.sdk.doors import keyed, through

PAIRS = frozenset({("create", TICKET), ("create", COMMENT), ("create", ATTACHMENT),
                   ("update", TICKET)})  # fmt: skip
ABLE = Capabilities(history=History.NONE, writes=PAIRS, attachment_limit=10)


def sent(operation, able=ABLE):
    gone = []

    def door(pair):
        return lambda one: (gone.append((pair, one)), Receipt(ref=one.ref))[1]

    try:
        through({pair: door(pair) for pair in PAIRS}, operation, able, "mine")
    except Unsupported as error:
        return gone, error.sentence
    return gone, ""


def create(kind=TICKET, **words):
    return Create(ref=Ref(kind=kind, id=""), fields={}, **words)


@pytest.mark.parametrize("pair", sorted(PAIRS))
def test_each_operation_has_its_door(pair):
    verb, kind = pair
    one = create(kind) if verb == "create" else Update(ref=Ref(kind=kind, id="1"))
    assert sent(one) == ([(pair, one)], "")


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        (Delete(ref=Ref(id="1")), "mine cannot delete a ticket."),
        (Update(ref=Ref(kind=COMMENT, id="1")), "mine cannot update a comment."),
        (create(COMMENT, private=True), "mine keeps no comment private."),
        (create(private=True), "mine keeps no ticket private."),
        (create(ATTACHMENT, size=11), "mine takes no file above 10 bytes."),
    ],
)
def test_what_is_not_promised_goes_through_none(operation, says):
    assert sent(operation) == ([], says)


def test_what_fits_exactly_is_taken():
    assert sent(create(ATTACHMENT, size=10))[1] == ""
    private = Capabilities(history=History.NONE, writes=PAIRS, private_comments=True)
    assert sent(create(COMMENT, private=True), private)[1] == ""


def test_a_key_is_looked_for_where_there_can_be_one():
    able = Capabilities(history=History.NONE, keys=frozenset({TICKET}))
    keyed(Ref(id="1"), able, "mine")
    with pytest.raises(Unsupported, match="mine carries no key in a comment"):
        keyed(Ref(kind=COMMENT, id="1"), able, "mine")
