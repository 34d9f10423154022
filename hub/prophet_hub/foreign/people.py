"""Persons between trackers: matched by e-mail or login, overridden by the people file.

Our word for a person is the e-mail address in small letters; who has none known is a placeholder,
`rt-main:jesse`, which finds the way home.  A person that a tracker does not know is never a reason
to clear a field or to fail a ticket: the field waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.rows import PersonRow
from prophet_hub.foreign.steps import RemoteSpec
from prophet_hub.sdk import Person

__all__ = ["People"]


class People:
    """The persons of one tracker, as far as it told them."""

    def __init__(self, spec: RemoteSpec, ledger: Ledger) -> None:
        self._spec, self._ledger = spec, ledger
        self._fresh: dict[str, PersonRow] = {}

    @cached_property
    def _rows(self) -> dict[str, PersonRow]:
        return dict(self._ledger.people())

    @cached_property
    def _by_email(self) -> dict[str, str]:
        known = {row.email.lower(): i for i, row in sorted(self._rows.items()) if row.email}
        account = self._spec.account
        if account.email:
            known.setdefault(account.email.lower(), account.id)
        return known | {email.lower(): i for i, email in self._spec.people.items() if email}

    @cached_property
    def _place(self) -> str:
        """The tracker's name, which is one even where several remotes are it."""
        return self._ledger.remote_named(self._spec.tracker) or self._spec.name

    @cached_property
    def _emails_are_ids(self) -> bool:
        return "@" in self._spec.account.id

    def learn(self, people: Iterable[Person]) -> None:
        """Takes in what the tracker tells of persons; what is known already costs nothing."""
        for person in people:
            if not person.id:
                continue
            old = self._rows.get(person.id)
            if old and (not person.email or old.email) and (not person.name or old.name):
                continue
            row = PersonRow(
                person.name or (old.name if old else ""), person.email or (old.email if old else "")
            )
            if row == old:
                continue
            self._rows[person.id] = self._fresh[person.id] = row
            if row.email:
                self._by_email.setdefault(row.email.lower(), person.id)

    def save(self) -> None:
        """Writes down what was learned since; inside the transaction of the reading."""
        for person, row in self._fresh.items():
            self._ledger.set_person(person, row)
        self._fresh = {}

    def word(self, person: str) -> str:
        """Returns our word for a person of this tracker."""
        told = self._spec.people.get(person)
        if told:
            return told.lower()
        row = self._rows.get(person)
        if row and row.email:
            return row.email.lower()
        if person == self._spec.account.id and self._spec.account.email:
            return self._spec.account.email.lower()
        return person.lower() if "@" in person else f"{self._place}:{person}"

    def person(self, word: str) -> str | None:
        """Returns this tracker's id of a person, None if it knows none."""
        found = self._by_email.get(word.lower())
        if found is not None:
            return found
        if "@" in word and ":" not in word:
            return word if self._emails_are_ids or word in self._rows else None
        remote, _, login = word.partition(":")
        if self._ledger.tracker_named(remote) == self._spec.tracker or remote == self._spec.name:
            return login
        if not login:
            return word if word in self._rows else None
        return login if login in self._rows else None

    def name(self, word: str) -> str:
        """Returns what this tracker calls somebody, "" if it knows no name."""
        found = self._by_email.get(word.lower())
        row = self._rows.get(found) if found is not None else None
        return row.name if row else ""
