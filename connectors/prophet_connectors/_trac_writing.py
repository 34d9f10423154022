"""What the hub says to Trac of tickets: their fields, and steps of the workflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prophet_connectors._trac_actions import Action, actions_of, leading
from prophet_connectors._trac_fields import CLOSED, joined_words, shown
from prophet_connectors._trac_reading import number
from prophet_connectors._trac_rpc import LEAVE, Rpc, no_action, value_of
from prophet_connectors._trac_story import word_of
from prophet_hub.errors import Rejected, RemoteError, Stale
from prophet_hub.sdk import Create, Delete, Receipt, Ref, Update, Value
from prophet_hub.sdk.marks import marked, remarked
from prophet_hub.sdk.shapes import shaped

__all__ = ["Writer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A ticket just before it is written."""

    attributes: Mapping[str, Any]
    actions: tuple[Action, ...] = ()
    version: str = ""

    def text(self, name: str) -> str:
        """Returns what a field holds."""
        return value_of(self.attributes.get(name))


@dataclass(slots=True, kw_only=True)
class Sent:
    """What an update sends."""

    attributes: dict[str, Any] = field(default_factory=dict)
    action: str = LEAVE


class Writer:
    """Sends one operation."""

    def __init__(self, rpc: Rpc, key_field: str) -> None:
        self._rpc = rpc
        self._key_field = key_field

    def create(self, operation: Create) -> Receipt:
        """Makes a ticket; what no ticket is born with, its status, is written right after."""
        said = dict(operation.fields)
        summary = str(said.pop("summary", ""))
        if not summary.strip():
            raise Rejected(f"{self._rpc.remote} takes no ticket without a summary.")
        status = str(said.pop("status", None) or "new")
        description = str(said.pop("description", ""))
        attributes = {"owner": ""}
        for name, value in said.items():
            attributes[name] = (
                joined_words(name, "", value)
                if isinstance(value, frozenset)
                else self._wire(name, value)
            )
        if self._key_field:
            self.check_key_field()
            attributes[self._key_field] = operation.key
        else:
            description = marked(description, operation.key)
        made = self._rpc.one(
            "ticket.create", summary, description, attributes, self._rpc.notify, reading=False
        )
        ref = Ref(id=str(made))
        return Receipt(ref=ref, notes=() if status == "new" else self._after(ref, status))

    def _after(self, ref: Ref, status: str) -> tuple[str, ...]:
        """Takes a new ticket to its status; a failure is a note, for the ticket is made."""
        try:
            return self.update(Update(ref=ref, changes={"status": status})).notes
        except RemoteError as error:
            return (error.sentence,)

    def check_key_field(self) -> None:
        """Makes sure that the field for keys is there: a query that names another finds everything.

        Raises:
            Rejected: It is not.
        """
        if self._key_field not in self._rpc.fields():
            raise Rejected(
                f"{self._rpc.remote} has no ticket field {self._key_field}.",
                hint=f"Add `{self._key_field} = text` to [ticket-custom] in its trac.ini.",
            )

    def update(self, operation: Update) -> Receipt:
        """Sends the changes under the version that was read, in one step of the workflow."""
        ref, version = operation.ref, operation.version
        sets = {*operation.added, *operation.removed}
        looked = {"status"} if self._key_field else {"status", "description"}
        blind = not sets and not looked & operation.changes.keys()
        present = Present(attributes={}) if blind else self._present(ref)
        if not blind:
            if version not in ("", present.version):
                raise self._stale(ref)
            version = present.version
        sent = self._sent(operation, present)
        done = self._send(ref, "", sent, version)
        return Receipt(ref=ref, notes=self._owner(ref, sent, done))

    def _sent(self, operation: Update, present: Present) -> Sent:
        sent = Sent()
        for name, value in operation.changes.items():
            if name == "description":
                keyed = "" if self._key_field else present.text(name)
                sent.attributes[name] = remarked(value or "", keyed)
            elif name != "status":
                sent.attributes[name] = self._wire(name, value)
        for name in {*operation.added, *operation.removed}:
            self._wire(name, "")
            before = shown(name, present.text(name))
            held = before if isinstance(before, frozenset) else frozenset()
            come = operation.added.get(name, frozenset())
            whole = (held | come) - (operation.removed.get(name, frozenset()) - come)
            sent.attributes[name] = joined_words(name, present.text(name), whole)
        if "status" in operation.changes:
            self._step(operation.changes["status"] or "new", present, sent)
        return sent

    def _step(self, word: str, present: Present, sent: Sent) -> None:
        """Puts in the step that leads to a status.

        Raises:
            Rejected: None does.
        """
        now = present.text("status")
        if word == word_of(present.attributes):
            return
        way = leading(present.actions, now, word, self._rpc.fields())
        if way is None:
            raise Rejected(
                f"{self._rpc.remote} offers this account no way from "
                f"{word_of(present.attributes)!r} to {word!r}."
            )
        found, status, resolution = way
        sent.action = found.name
        if resolution:
            sent.attributes[found.resolution_input] = resolution
            if status == now == CLOSED:  # the workflow does not set what a step to itself leaves
                sent.attributes["resolution"] = resolution
        owner = sent.attributes.pop("owner", None)
        if owner is None:
            owner = shown("owner", present.text("owner")) or ""
        sent.attributes[found.owner_input] = owner

    def _owner(self, ref: Ref, sent: Sent, done: Mapping[str, Any]) -> tuple[str, ...]:
        """Gives back the owner whom a step of the workflow took: `accept` makes it the account."""
        name = f"action_{sent.action}_reassign_owner"
        if name not in sent.attributes:
            return ()
        wanted, got = sent.attributes[name], value_of(done.get("owner"))
        if shown("owner", got) == shown("owner", wanted):
            return ()
        try:
            self._send(ref, "", Sent(attributes={"owner": wanted}), str(done["_ts"]))
        except RemoteError as error:
            return (f"The owner of ticket {ref.id} is now {got}. {error.sentence}",)
        return ()

    def _send(self, ref: Ref, comment: str, sent: Sent, version: str) -> Mapping[str, Any]:
        """Sends an update, and returns the attributes as they are after it.

        Raises:
            Stale: The ticket moved on since that version.
        """
        attributes = {**sent.attributes, "action": sent.action}
        attributes |= {"_ts": version} if version else {}
        call = ("ticket.update", number(ref.id), comment)
        try:
            done = self._rpc.one(*call, attributes, self._rpc.notify, reading=False)
        except Rejected as refused:
            if version and self._present(ref).version != version:
                raise self._stale(ref) from refused
            if sent.action != LEAVE or not no_action(refused):
                raise
            del attributes["action"]  # a workflow without a step that leaves all as it is
            done = self._rpc.one(*call, attributes, self._rpc.notify, reading=False)
        with shaped(self._rpc.remote, "Trac"):
            return dict(done[3])

    def _present(self, ref: Ref) -> Present:
        ticket = number(ref.id)
        got, actions = self._rpc.many([("ticket.get", ticket), ("ticket.getActions", ticket)])
        if isinstance(got, RemoteError):
            raise got
        with shaped(self._rpc.remote, "Trac"):
            return Present(
                attributes=got[3],
                actions=() if isinstance(actions, RemoteError) else tuple(actions_of(actions)),
                version=str(got[3]["_ts"]),
            )

    def _stale(self, ref: Ref) -> Stale:
        return Stale(
            f"Ticket {ref.id} of {self._rpc.remote} has moved on since that was read.",
            hint="The next run reads it again.",
        )

    def _wire(self, name: str, value: Value | None) -> Any:
        """Returns a value as the plugin takes it.

        Raises:
            Rejected: There is no such field, which the plugin passes over in silence, or it has not
                that value, which a create would take.
        """
        info = self._rpc.fields().get(name)
        if info is None:
            raise Rejected(f"{self._rpc.remote} has no ticket field {name}.")
        text = str(value or "")
        if text and info.options and text not in info.options:
            raise Rejected(f"{text!r} is no value of {name} in {self._rpc.remote}.")
        if info.type == "time" and text:
            return {"__jsonclass__": ["datetime", _wire_time(text)]}
        return text

    def delete(self, operation: Delete) -> Receipt:
        """Deletes a ticket, which Trac does without comparing: so it is looked at just before."""
        ref = operation.ref
        if operation.version not in ("", self._present(ref).version):
            raise self._stale(ref)
        self._rpc.one("ticket.delete", number(ref.id), reading=False)
        return Receipt(ref=ref)


def _wire_time(text: str) -> str:
    """Returns an instant as the plugin takes it, in UTC and without a zone; a day is its midnight.

    Raises:
        Rejected: It is neither.
    """
    try:
        read = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise Rejected(f"{text!r} is no time such as 2026-12-24T10:00:00Z.") from None
    return f"{read:%Y-%m-%dT%H:%M:%S}"
