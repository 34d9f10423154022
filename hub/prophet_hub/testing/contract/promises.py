"""Promises: the table, the schema, the settings, and what holds for the object itself."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    SPEC,
    TICKET,
    Capabilities,
    FieldMap,
    History,
    Kind,
    Pull,
    RemoteSettings,
    Schema,
)
from prophet_hub.testing.contract.checks import Checks, check, pull
from prophet_hub.testing.contract.sandbox import Absent, Sandbox
from prophet_hub.testing.texts import TEXTS

__all__ = ["NEUTRAL", "Promises"]

NEUTRAL = frozenset({
    "summary", "description", "status", "resolution", "type", "priority", "severity",
    "component", "version", "milestone", "owner", "reporter", "cc", "labels", "due",
    "created", "updated", "completed", "estimate", "spent", "depends_on", "blocks",
    "parent", "duplicate_of", "related",
})  # fmt: skip
"""The neutral ticket properties; everything else is `<connector>:<name>`."""

_SECRETS = ("password", "token", "secret", "cookie", "api_key")


class Promises(Checks):
    """What holds without a single ticket."""

    @check()
    def test_the_interface_is_of_this_spec(self, sandbox: Sandbox) -> None:
        """A name, a spec that the hub accepts, kinds of credentials that exist."""
        connector = type(sandbox.connector)
        assert connector.name == connector.name.lower().strip()
        assert connector.name
        assert connector.spec in (SPEC, SPEC - 1)
        assert connector.auth
        assert connector.auth <= {"password", "token", "cookie", "oauth", "none"}

    @check()
    def test_settings_are_explained_and_secrets_marked(self, sandbox: Sandbox) -> None:
        """Every setting of its own has a help text; what looks like a secret is marked as one."""
        settings = type(sandbox.connector).Settings
        assert issubclass(settings, RemoteSettings)
        base = {f.name for f in dataclasses.fields(RemoteSettings)}
        for setting in dataclasses.fields(settings):
            if setting.name in base:
                continue
            assert setting.metadata.get("help"), f"setting {setting.name} has no help text"
            if any(word in setting.name for word in _SECRETS):
                assert setting.metadata.get("secret"), (
                    f"setting {setting.name} is not marked secret"
                )

    @check()
    def test_capabilities_are_sound(self, sandbox: Sandbox) -> None:
        """Known verbs and kinds, no negative times, at least one ticket at a time."""
        told = sandbox.connector.capabilities
        assert isinstance(told, Capabilities)
        assert isinstance(told.history, History)
        kinds = {TICKET, COMMENT, ATTACHMENT}
        for verb, kind in told.writes:
            assert verb in ("create", "update", "delete"), f"unknown verb {verb}"
            assert kind in kinds, f"unknown kind {kind}"
        assert told.keys <= kinds
        assert min(told.granularity, told.overlap) >= timedelta(0)
        assert told.concurrency >= 1
        assert told.attachment_limit is None or told.attachment_limit > 0

    @check()
    def test_a_new_connector_sends_nothing(self, sandbox: Sandbox) -> None:
        """Making one costs no request and needs no right password."""
        before = sandbox.requests()
        sandbox.connect().close()
        sandbox.connect(password="wrong horse").close()  # noqa: S106 - that is the point
        assert sandbox.requests() == before

    @check()
    def test_it_closes_twice(self, sandbox: Sandbox) -> None:
        """The second time does nothing; another connector goes on."""
        other = sandbox.connect()
        other.whoami()
        other.close()
        other.close()
        sandbox.connector.whoami()

    @check()
    def test_a_pull_left_in_its_middle_does_no_harm(self, sandbox: Sandbox) -> None:
        """The walk is abandoned after one item; the next one is whole."""
        made = {sandbox.make(sandbox.new(n)) for n in range(sandbox.many)}
        walk = iter(sandbox.connector.changed(Pull()))
        next(walk)
        close = getattr(walk, "close", None)
        if close:
            close()
        assert made <= set(pull(sandbox.connector).ids)

    # --- the tracker as found ------------------------------------------------------------------

    @check()
    def test_describe_knows_the_fields_of_the_table(self, sandbox: Sandbox) -> None:
        """Every row that may be written is a field of the tracker as found."""
        schema = sandbox.connector.describe()
        assert isinstance(schema, Schema)
        found = {f.name for f in schema.fields}
        rows = {r.theirs for r in sandbox.connector.fields if r.writable or r.on_create}
        assert rows <= found, f"in the table, and not in the tracker: {sorted(rows - found)}"

    @check()
    def test_required_fields_have_a_row(self, sandbox: Sandbox) -> None:
        """What a create must carry can be said."""
        for told in sandbox.connector.describe().fields:
            row = sandbox.connector.fields.theirs(told.name)
            if told.required:
                assert row is not None, f"{told.name} is required and has no row"
                assert row.on_create, f"{told.name} is required and no create may carry it"

    @check()
    def test_described_values_are_those_that_are_told(self, sandbox: Sandbox) -> None:
        """A new ticket's status is one of the statuses found; sets are called sets."""
        schema = sandbox.connector.describe()
        for told in schema.fields:
            row = sandbox.connector.fields.theirs(told.name)
            if row is not None:
                assert told.many == row.kind.many, f"{told.name}: a set here, none there"
                if told.values and row.values:
                    unknown = {t for t, _ in row.values} - set(told.values)
                    assert not unknown, f"{told.name}: the table has {sorted(unknown)}"
        for status, ways in schema.transitions.items():
            assert {status, *ways} <= set(schema.statuses)

    # --- the lens laws -------------------------------------------------------------------------

    @check()
    def test_the_table_names_neutral_properties(self, sandbox: Sandbox) -> None:
        """Ours are the neutral names, or begin with the connector's name; a summary is there."""
        fields = sandbox.connector.fields
        assert isinstance(fields, FieldMap)
        name = type(sandbox.connector).name
        for row in fields:
            assert row.ours in NEUTRAL or row.ours.startswith(f"{name}:"), f"{row.ours} is no name"
        summary = fields.ours("summary")
        assert summary is not None, "the table has no summary"
        assert summary.on_create or not _creates(sandbox), "no create may carry a summary"

    @check()
    def test_what_is_encoded_decodes_to_the_same(self, sandbox: Sandbox) -> None:
        """Our word, said in theirs, read back and said again, is the same word of theirs.

        Several of ours may share one of theirs: then reading gives one of them, which is no loss
        as long as nobody changes what nobody touched.
        """
        for row in sandbox.connector.fields:
            lossy = {ours for theirs, ours in row.values if row.decode(theirs) != ours}
            for word in {ours for _, ours in row.values} | set(_samples(row.kind)):
                theirs = row.encode(word)
                back = row.decode(theirs)
                again = row.encode(back)
                assert again == theirs, f"{row.ours}: {word!r} is {theirs!r}, then {again!r}"
                if word in {ours for _, ours in row.values} - lossy:
                    assert back == word, f"{row.ours}: {word!r} comes back as {back!r}"

    @check()
    def test_what_is_decoded_encodes_to_the_same(self, sandbox: Sandbox) -> None:
        """Their word, read and written back, means the same to us, time after time: nothing drifts.

        Also where we said a word for which they have only another one.
        """
        for row in sandbox.connector.fields:
            said = {row.encode(ours) for _, ours in row.values}
            for word in said | {theirs for theirs, _ in row.values} | set(_samples(row.kind)):
                ours = row.decode(word)
                again = row.decode(row.encode(ours))
                assert again == ours, f"{row.theirs}: {word!r} is {ours!r}, then {again!r}"

    @check()
    def test_a_pair_stands_once(self, sandbox: Sandbox) -> None:
        """No pair says what another one has said; none of ours is empty."""
        for row in sandbox.connector.fields:
            assert len(set(row.values)) == len(row.values), f"{row.theirs}: a pair stands twice"
            assert all(t and o for t, o in row.values), f"{row.theirs}: a pair has an empty side"

    @check()
    def test_the_canonical_form_is_one(self, sandbox: Sandbox) -> None:
        """Of itself it is itself; a value is the same as itself and not as another."""
        for row in sandbox.connector.fields:
            for word in (*_samples(row.kind), *(t for t, _ in row.values)):
                assert row.same(word, word)
                if row.canon is not None:
                    once = row.canon(word)
                    assert row.canon(once) == once, f"{row.theirs}: {word!r} has no rest"
            assert not row.same("", None) or row.canon is not None
            try:
                one, two = sandbox.pair(row)
            except Absent:
                continue
            if isinstance(one, str) and isinstance(two, str):
                assert not row.same(one, two), f"{row.theirs}: {one!r} passes for {two!r}"


def _samples(kind: Kind) -> tuple[str, ...]:
    if kind in (Kind.TEXT, Kind.LONG):
        return TEXTS
    return _BY_KIND.get(kind, ("a word", "none of the list"))


_BY_KIND: dict[Kind, tuple[str, ...]] = {
    Kind.DAY: ("2026-12-01",),
    Kind.INSTANT: ("2026-12-01T10:00:00Z",),
    Kind.NUMBER: ("0", "17"),
    Kind.MINUTES: ("0", "90"),
}


def _creates(sandbox: Sandbox) -> bool:
    return ("create", TICKET) in sandbox.connector.capabilities.writes
