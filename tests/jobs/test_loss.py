"""What is lost between two remotes: data made of promises, tables, schemas and the job."""

from __future__ import annotations

from prophet_hub.foreign.fill import Fill
from prophet_hub.jobs.constructs import constructs
from prophet_hub.jobs.looks import HELD, LOOKS, LOST, Look
from prophet_hub.jobs.loss import losses
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Capabilities,
    Field,
    FieldMap,
    History,
    Kind,
    Schema,
    SchemaField,
)

EVERYTHING = frozenset(
    (verb, kind) for verb in ("create", "update", "delete")
    for kind in (TICKET, COMMENT, ATTACHMENT)
)  # fmt: skip
WORDS = (("new", "new"), ("open", "open"), ("stalled", "stalled"))


def able(**words):
    given = {
        "history": History.FULL, "writes": EVERYTHING, "keys": frozenset({TICKET}),
        "impersonation": True, "tombstones": True, "dialects": ("plain",),
    }  # fmt: skip
    return Capabilities(**{**given, **words})


def status(values=WORDS, **words):
    return Field(theirs="State", ours="status", kind=Kind.WORD, values=values, **words)


FULL = able()


def look(name, *rows, able=FULL, **words):
    return Look(name=name, able=able, fields=FieldMap(rows), **{"deletes": True, **words})


def told(a, b, topic=None):
    found = losses(a, b)
    assert [one.rank for one in found] == sorted(one.rank for one in found)
    assert {(one.source, one.target) for one in found} <= {("a", "b")}
    return [(one.rank, one.sentence) for one in found if topic is None or one.topic == topic]


def says(a, b, topic, rank, part):
    found = told(a, b, topic)
    assert [r for r, sentence in found if part in sentence] == [rank], found


def test_between_equals_only_the_past_looks_different():
    summary = Field(theirs="summary", ours="summary")
    [(rank, said)] = told(look("a", summary, status()), look("b", summary, status()))
    assert rank == LOOKS
    assert said.endswith("is kept in the hub; in b a ticket begins as it is now")


def test_what_cannot_be_written_comes_first():
    none = able(writes=frozenset(), keys=frozenset())
    says(look("a"), look("b", able=none), "tickets", LOST, "it cannot be given any")
    says(look("a"), look("b", able=none), "tickets", LOST, "its tickets cannot be changed")
    says(look("a"), look("b", able=none), "comments", LOST, "it takes none")
    says(look("a"), look("b", able=none), "attachments", LOST, "it takes none")
    says(look("a"), look("b", creates=False), "tickets", LOST, "the job makes none there")
    says(look("a"), look("b", able=able(keys=frozenset())), "keys", LOST, "a second time")
    assert told(look("a"), look("b", writes=False)) == [
        (LOST, "nothing is written to b: its direction is pull")
    ]


def test_deletions():
    says(look("a"), look("b", deletes=False), "deletions", HELD, "deletes: no")
    less = able(writes=EVERYTHING - {("delete", TICKET)})
    says(look("a"), look("b", able=less), "deletions", HELD, "it cannot delete any")
    blind = look("a", able=able(tombstones=False))
    says(blind, look("b", deletes=False), "deletions", LOOKS, "a does not tell of deletions")


def test_comments_and_who_may_read_them():
    less = able(writes=EVERYTHING - {("update", COMMENT), ("delete", COMMENT)})
    says(look("a"), look("b", able=less), "comments", LOST, "edits of a comment in a do not")
    says(look("a"), look("b", able=less), "comments", HELD, "a comment deleted in a stays")
    secret = look("a", able=able(private_comments=True))
    says(secret, look("b"), "private comments", HELD, "the audience of b is public")
    says(secret, look("b", private=True), "private comments", LOOKS, "whoever reads b")
    says(look("a"), look("b", able=able(impersonation=False)), "authors", LOOKS, "jesse")
    mute = look("a", able=able(writes=frozenset({("create", TICKET)})))
    assert (
        told(mute, look("b", able=able(writes=frozenset({("create", TICKET)}))), "comments") == []
    )


def test_attachments_of_a_size():
    says(look("a"), look("b", limit=10_000_000), "attachments", HELD, "above 10 MB wait")
    says(look("a"), look("b", limit=500), "attachments", HELD, "above 500 bytes")
    says(look("a"), look("b", limit=0), "attachments", HELD, "attachments: no")
    assert told(look("a", limit=5), look("b", limit=10), "attachments") == []


def test_fields():
    text = Field(theirs="T", ours="description", kind=Kind.LONG)
    says(look("a", text), look("b"), "description", HELD, "no such field: kept in the hub")
    once = Field(theirs="D", ours="description", writable=False)
    says(look("a", text), look("b", once), "description", LOST, "is written once in b")
    never = Field(theirs="D", ours="description", writable=False, on_create=False)
    says(look("a", text), look("b", never), "description", HELD, "lets nobody write it")
    short = Field(theirs="D", ours="description", limit=200)
    says(look("a", text), look("b", short), "description", LOST, "over 200 characters is cut")
    assert told(look("a", short), look("b", short), "description") == []
    owner = Field(theirs="O", ours="owner", kind=Kind.PERSON)
    says(look("a", owner), look("b", owner), "owner", HELD, "does not know by e-mail address")
    assert told(look("a", Field(theirs="c", ours="created")), look("b"), "created") == []


def test_words_that_become_one():
    few = status((("open", "open"), ("open", "stalled"), ("new", "new")))
    says(look("a", status()), look("b", few), "status", LOST,
         'stalled: b has no word for it and would show "open" (as would "open")')  # fmt: skip
    many = status((("WONTFIX", "rejected"), ("INVALID", "rejected"), ("NO*", "rejected")))
    says(look("a", many), look("b", status((("no", "rejected"),))), "status", LOOKS,
         '"INVALID", "WONTFIX" of a are one to the hub: b shows "no" for each of them')  # fmt: skip


def test_words_that_a_tracker_does_not_take():
    schema = Schema(statuses=("new", "open"))
    says(look("a", status()), look("b", status(()), schema=schema), "status", HELD,
         'stalled: b has no word for it, so it waits in the inbox; it takes "new", "open"')  # fmt: skip
    says(look("a", status()), look("b", status(WORDS[:2])), "status", HELD,
         'the table of b has no word for it; "stalled" is written as it is')  # fmt: skip
    listed = Schema(fields=(SchemaField(name="State", values=("new", "open", "stalled")),))
    assert told(look("a", status()), look("b", status(()), schema=listed), "status") == []


def test_words_that_wait_are_not_said_to_be_shown():
    """Two words of theirs that are one to the hub, and no word for it there: nothing is shown."""
    many = status((("WONTFIX", "rejected"), ("INVALID", "rejected")))
    b = look("b", status(()), schema=Schema(statuses=("new", "open")))
    [(rank, said)] = told(look("a", many), b, "status")
    assert rank == HELD
    assert said.startswith("rejected: b has no word for it, so it waits")


def test_any_word_here_and_only_some_there():
    rows = [
        Field(theirs="part", ours="component"),
        Field(theirs="tags", ours="labels", kind=Kind.WORDS),
        Field(theirs="to", ours="owner", kind=Kind.PERSON),
    ]
    schema = Schema(
        fields=tuple(SchemaField(name=n, values=("ui", "db")) for n in ("part", "tags", "to"))
    )
    a, b = look("a", *rows), look("b", *rows, schema=schema)
    assert told(a, b, "component") == [
        (HELD, 'b takes only "db", "ui": any other of a waits in the inbox')
    ]
    says(a, b, "labels", HELD, 'b takes only "db", "ui"')
    assert told(a, look("b", *rows), "component") == []
    assert not [said for _, said in told(a, b, "owner") if "takes only" in said]


def test_statuses_to_which_nothing_leads():
    ways = {"new": ("open",), "open": ("new",), "stalled": ("open",)}
    schema = Schema(statuses=("new", "open", "stalled"), transitions=ways)
    b = look("b", status(), schema=schema)
    says(look("a", status()), b, "status", HELD, 'no way leads from "new" to "stalled" in b')
    alone = Schema(statuses=tuple("uvw"), transitions=dict.fromkeys("uvw", ()))
    says(look("a"), look("b", status(), schema=alone), "status", HELD, "between 3 more pairs")


def test_what_is_demanded_and_by_whom_it_is_filled():
    schema = Schema(
        fields=(SchemaField(name="Part", required=True), SchemaField(name="S", required=True)),
        requires={"done": ("Res",)},
    )
    rows = (
        Field(theirs="Part", ours="component"), Field(theirs="S", ours="summary"),
        Field(theirs="Res", ours="resolution"), status((("done", "resolved"),)),
    )  # fmt: skip
    a = look("a", Field(theirs="s", ours="summary"), Field(theirs="c", ours="component"))
    b = look("b", *rows, schema=schema)
    says(a, b, "component", HELD, "a may say nothing of it: write fill: {component: ...}")
    says(a, b, "resolution", HELD, "write fill: {status=resolved: {resolution: ...}}")
    assert told(a, b, "summary") == []
    fill = Fill(create={"Part": "x"}, entering={"resolved": {"Res": "y"}})
    assert not told(a, look("b", *rows, schema=schema, fill=fill), "resolution")


def test_the_past_texts_and_mail():
    none = able(history=History.NONE)
    says(look("a", able=none), look("b"), "history", LOST, "a tells no history")
    loud = able(notifies=True, mentions=True)
    says(look("a"), look("b", able=loud), "mail", LOOKS, "b mails people")
    says(look("a"), look("b", able=loud), "mail", LOOKS, "it calls nobody")
    wiki = look("a", able=able(dialects=("trac",)))
    says(wiki, look("b"), "texts", LOOKS, "are plain words in b")
    assert told(wiki, look("b", able=able(dialects=("plain", "trac"))), "texts") == []


def test_constructs_are_found_by_trying():
    assert list(constructs("markdown", "trac")) == []
    lost = {name: (here, there) for name, here, there in constructs("trac", "plain")}
    assert lost["headings"][0] == "= Steps ="
    assert list(constructs("plain", "markdown")) == list(constructs("rst", "plain")) == []
