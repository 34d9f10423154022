"""Failing: the hub's words for everything that goes wrong, and what is sent again."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from prophet_hub.errors import (
    AuthFailed,
    Garbled,
    HubError,
    RateLimited,
    RemoteError,
    Stale,
    Transient,
    Unsure,
)
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Checkpoint,
    Connector,
    Create,
    Pull,
    Ref,
    Update,
)
from prophet_hub.testing.contract.checks import (
    Checks,
    can,
    carries,
    check,
    create,
    only,
    promises,
    pull,
    raised,
    read,
    remark,
    told_id,
)
from prophet_hub.testing.contract.reading import BYTES
from prophet_hub.testing.contract.sandbox import Absent, Sandbox
from prophet_hub.testing.faults import Fault, What

__all__ = ["Failing"]

PATIENCE = 12
"""Requests that one call may send at most before it gives up."""

CIRCLE = 100
"""Requests after which a walk over a listing that repeats itself is taken to be endless."""


class Failing(Checks):
    """What a connector says and does when the tracker, the wire or the account fails."""

    # --- words ---------------------------------------------------------------------------------

    @check()
    def test_a_wrong_password_is_said(self, sandbox: Sandbox) -> None:
        """AuthFailed, from the first call, with what to do next; it concerns the whole run."""
        if not sandbox.password:
            raise Absent("there is no password")
        stranger = sandbox.connect(password="wrong horse")  # noqa: S106 - that is the point
        try:
            error = raised(AuthFailed, stranger.whoami)
            assert not error.alone
        finally:
            stranger.close()

    @check()
    def test_a_wrong_password_ends_a_pull(self, sandbox: Sandbox) -> None:
        """Never an empty listing with a checkpoint at its end."""
        if not sandbox.password:
            raise Absent("there is no password")
        sandbox.make(sandbox.new())
        stranger = sandbox.connect(password="wrong horse")  # noqa: S106 - that is the point
        try:
            raised(AuthFailed, lambda: list(stranger.changed(Pull())))
        finally:
            stranger.close()

    @check()
    def test_an_unreachable_tracker_is_said(self, sandbox: Sandbox) -> None:
        """Transient: later it may be there."""
        alone = sandbox.connect(reachable=False)
        try:
            error = raised(Transient, alone.whoami)
            assert error.retryable
        finally:
            alone.close()

    @check()
    def test_a_failing_server_is_transient(self, sandbox: Sandbox) -> None:
        """500 and 503 for ever: the connector gives up after some tries and says so."""
        ticket = self._ready(sandbox)
        for status in (500, 503):
            with broken(sandbox, Fault(what=What.STATUS, status=status, times=None)) as fault:
                raised(Transient, lambda: sandbox.connector.ticket(ticket))
                assert 1 <= fault.hits <= PATIENCE, f"{fault.hits} requests on {status}"

    @check()
    def test_a_refused_session_is_said(self, sandbox: Sandbox) -> None:
        """401 for ever in the midst of work: AuthFailed, after a few tries at most."""
        ticket = self._ready(sandbox)
        with broken(sandbox, Fault(what=What.STATUS, status=401, times=None)) as fault:
            raised(AuthFailed, lambda: sandbox.connector.ticket(ticket))
            assert fault.hits <= PATIENCE

    @check()
    def test_a_forbidden_ticket_is_an_error_of_the_hub(self, sandbox: Sandbox) -> None:
        """403: some word of the hub, never a deletion."""
        ticket = self._ready(sandbox)
        with broken(sandbox, Fault(what=What.STATUS, status=403, times=None)):
            raised(RemoteError, lambda: sandbox.connector.ticket(ticket))

    @check()
    def test_a_garbled_answer_is_said(self, sandbox: Sandbox) -> None:
        """A page for people with status 200 is no ticket and no end of a listing."""
        ticket = self._ready(sandbox)
        with broken(sandbox, Fault(what=What.GARBLED, times=None)):
            raised(Garbled, lambda: sandbox.connector.ticket(ticket))
            raised(Garbled, lambda: list(sandbox.connector.changed(Pull())))

    @check()
    def test_a_truncated_answer_is_said(self, sandbox: Sandbox) -> None:
        """Half an answer is none."""
        ticket = self._ready(sandbox)
        with broken(sandbox, Fault(what=What.TRUNCATED, times=None)):
            raised((Garbled, Transient), lambda: sandbox.connector.ticket(ticket))

    @check(can("create", ATTACHMENT))
    def test_a_truncated_file_is_no_file(self, sandbox: Sandbox) -> None:
        """A file whose bytes end too early is an error, not a shorter file."""
        ticket = self._ready(sandbox)
        sandbox.attach(ticket.id, "a.bin", BYTES)
        told = only(read(sandbox, ticket.id).attachments)
        with broken(sandbox, Fault(what=What.TRUNCATED, times=None)):
            raised((Garbled, Transient), lambda: b"".join(sandbox.connector.content(told.ref)))

    @check()
    def test_a_pull_that_breaks_off_has_no_last_checkpoint(self, sandbox: Sandbox) -> None:
        """What came before stands; the next pull from its last checkpoint tells the rest."""
        made = {sandbox.make(sandbox.new(n)) for n in range(sandbox.many)}
        self._ready(sandbox)
        seen: list[str] = []
        cursor = ""
        fault = Fault(what=What.STATUS, status=500, nth=2, times=None)
        ended = False
        with broken(sandbox, fault), suppress(HubError):
            for item in sandbox.connector.changed(Pull()):
                cursor = item.cursor if isinstance(item, Checkpoint) else cursor
                seen.append(told_id(item))
            ended = True
        if fault.hits == 0:
            raise Absent("a whole pull is one request")
        assert not ended, "a page failed, and the pull ended as if nothing were left"
        rest = pull(sandbox.connector, cursor)
        missed = made - set(seen) - set(rest.ids)
        assert not missed, f"after the break: {sorted(missed)} were never told"

    @check()
    def test_a_listing_in_a_circle_comes_to_an_end(self, sandbox: Sandbox) -> None:
        """A server that sends its first page for every page does not keep a run for ever."""
        for n in range(sandbox.many):
            sandbox.make(sandbox.new(n))
        self._ready(sandbox)
        endless = Fault(what=What.CUT, nth=CIRCLE + 1, times=None)
        with broken(sandbox, Fault(what=What.REPEATED, times=CIRCLE)), broken(sandbox, endless):
            with suppress(HubError):
                list(sandbox.connector.changed(Pull()))
            assert not endless.hits, f"after {CIRCLE} requests it went on asking"

    @check()
    def test_a_pause_that_is_asked_for_too_often_is_said(self, sandbox: Sandbox) -> None:
        """429 for ever: RateLimited, in aware UTC where the tracker said until when."""
        ticket = self._ready(sandbox)
        limited = Fault(what=What.LIMITED, times=None, retry_after="3600")
        with broken(sandbox, limited) as fault:
            error = raised(RateLimited, lambda: sandbox.connector.ticket(ticket))
            assert error.until is not None, "Retry-After was told and is not in the error"
            assert error.until.utcoffset() is not None, "until is naive"
            assert not error.alone
            assert fault.hits <= PATIENCE

    @check()
    def test_no_error_shows_a_secret(self, sandbox: Sandbox) -> None:
        """Not in its text, its attributes, its causes or its traceback."""
        if not sandbox.password:
            raise Absent("there is no password")
        secret = "hidden horse"  # noqa: S105 - that is the point
        ticket = self._ready(sandbox)
        shown: list[str] = []
        for makes in self._errors(sandbox, ticket, secret):
            with pytest.raises(HubError) as caught:
                makes()
            error: BaseException | None = caught.value
            while error is not None:
                shown += [str(error), repr(error), repr(vars(error))]
                error = error.__cause__ or error.__context__
            shown.append("".join(traceback.format_exception_only(caught.value)))
        for text in shown:
            assert secret not in text, "the wrong password is in an error"
            assert sandbox.password not in text, "the password is in an error"

    # --- manners -------------------------------------------------------------------------------

    @check()
    def test_a_read_is_repeated(self, sandbox: Sandbox) -> None:
        """One 503, one answer that never came, one cut connection: the ticket is read."""
        ticket = self._ready(sandbox)
        for what in (What.STATUS, What.LOST, What.CUT):
            with broken(sandbox, Fault(what=what)) as fault:
                read(sandbox, ticket.id)
                assert fault.hits == 1

    @check()
    def test_a_short_pause_is_kept(self, sandbox: Sandbox) -> None:
        """429 once, with and without a Retry-After: the ticket is read after it."""
        ticket = self._ready(sandbox)
        for pause in ("1", ""):
            limited = Fault(what=What.LIMITED, retry_after=pause)
            with broken(sandbox, limited) as fault:
                read(sandbox, ticket.id)
                assert fault.hits == 1

    @check(can("create"))
    def test_a_create_is_never_repeated_blindly(self, sandbox: Sandbox) -> None:
        """A 500 or a lost answer to a create: one request, and Unsure or Transient."""
        self._ready(sandbox)
        method = sandbox.create_method
        for fault in (
            Fault(what=What.STATUS, status=500, method=method, times=None),
            Fault(what=What.LOST, method=method, times=None),
        ):
            with broken(sandbox, fault):
                raised((Unsure, Transient), lambda: create(sandbox))
                assert fault.hits == 1, f"{fault.hits} requests after {fault.what.value}"

    @check(can("create"))
    def test_a_create_whose_answer_was_lost_is_unsure(self, sandbox: Sandbox) -> None:
        """The ticket is there, once, and the connector says that it does not know."""
        self._ready(sandbox)
        before = set(pull(sandbox.connector).ids)
        lost = Fault(what=What.LOST, method=sandbox.create_method, times=None)
        with broken(sandbox, lost):
            raised(Unsure, lambda: create(sandbox))
        made = set(pull(sandbox.connector).ids) - before
        assert len(made) == 1, f"{len(made)} tickets were made"

    @check(can("create"), carries(TICKET))
    def test_a_lost_create_is_found_by_its_key(self, sandbox: Sandbox) -> None:
        """By looking, not by sending again; a create that never arrived is not found."""
        self._ready(sandbox)
        for what, there in ((What.LOST, True), (What.CUT, False)):
            key = sandbox.key()
            wire = Fault(what=what, method=sandbox.create_method, times=None)
            with broken(sandbox, wire):
                raised((Unsure, Transient), partial(create, sandbox, key=key))
            found = sandbox.connector.find(Ref(id=""), key)
            assert (found is not None) == there, f"after {what.value}: {found}"
            if found is not None:
                assert read(sandbox, found.id).key == key

    @check(can("create", COMMENT), carries(COMMENT))
    def test_a_lost_comment_is_found_by_its_key(self, sandbox: Sandbox) -> None:
        """As tickets are."""
        ticket = self._ready(sandbox)
        key = sandbox.key()
        lost = Fault(what=What.LOST, method=sandbox.create_method, times=None)
        with broken(sandbox, lost):
            raised(Unsure, lambda: remark(sandbox, ticket.id, "Once", key=key))
        assert len(read(sandbox, ticket.id).comments) == 1
        found = sandbox.connector.find(Ref(kind=COMMENT, id="", ticket=ticket.id), key)
        assert found is not None

    @check(can("update"), promises("conditional"))
    def test_an_update_that_landed_is_not_called_stale(self, sandbox: Sandbox) -> None:
        """Its answer was lost; sent again with the old version, it would meet itself."""
        ticket = self._ready(sandbox)
        shown = read(sandbox, ticket.id)
        title = sandbox.title.theirs
        wire = Fault(what=What.LOST, method="(?!GET).*")
        ours = Update(ref=shown.ref, changes={title: "Landed"}, version=shown.version)
        with broken(sandbox, wire):
            said: HubError | None = None
            try:
                sandbox.connector.apply(ours)
            except (Stale, Unsure, Transient) as error:
                said = error
        landed = read(sandbox, ticket.id).fields[title] == "Landed"
        assert not (landed and isinstance(said, Stale)), f"it landed, and it is called: {said}"

    # --- within --------------------------------------------------------------------------------

    def _ready(self, sandbox: Sandbox) -> Ref:
        """Returns a ticket; the connector has logged in by then."""
        sandbox.connector.whoami()
        ticket = Ref(id=sandbox.make(sandbox.new()))
        sandbox.connector.ticket(ticket)
        return ticket

    def _errors(self, sandbox: Sandbox, ticket: Ref, secret: str) -> Iterator[Callable[[], object]]:
        yield self._with(sandbox, secret, lambda c: c.whoami())
        yield self._with(sandbox, secret, lambda c: list(c.changed(Pull())))
        fields = sandbox.new()
        yield self._with(sandbox, secret, lambda c: c.apply(Create(ref=Ref(id=""), fields=fields)))
        for what in (What.STATUS, What.GARBLED, What.CUT):
            try:
                with broken(sandbox, Fault(what=what, times=None)):
                    yield lambda: sandbox.connector.ticket(ticket)
            except Absent:
                return

    def _with(
        self, sandbox: Sandbox, secret: str, act: Callable[[Connector], object]
    ) -> Callable[[], object]:
        def acting() -> object:
            stranger = sandbox.connect(password=secret)
            try:
                return act(stranger)
            finally:
                stranger.close()

        return acting


@contextmanager
def broken(sandbox: Sandbox, fault: Fault) -> Iterator[Fault]:
    """Has a fault in force for a while."""
    sandbox.inject(fault)
    try:
        yield fault
    finally:
        sandbox.heal()
