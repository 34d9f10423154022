"""What a bundle of diagnostics tells of a database: how it is, what it did, what waits in it."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any, Final

from prophet_hub.engine.check import check
from prophet_hub.engine.replica import Replica
from prophet_hub.engine.stats import stats
from prophet_hub.foreign.audit_check import verify
from prophet_hub.foreign.audit_list import requests
from prophet_hub.foreign.claims import claim_of, hub_of
from prophet_hub.foreign.ledger import Ledger, waiting_of
from prophet_hub.foreign.rows import READ, UNDONE, WAY, Waiting
from prophet_hub.foreign.steps import Outcome, Verb
from prophet_hub.foreign.strangers import PERSON
from prophet_hub.jobs.disguise import Disguise
from prophet_hub.jobs.pseudonyms import Pseudonyms, Safe, among, formed, moment
from prophet_hub.jobs.report import runs
from prophet_hub.jobs.sentences import own_words
from prophet_hub.model.ids import TrackerId
from prophet_hub.peers.notes import peers
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET
from prophet_hub.store.base import LEDGER
from prophet_hub.store.census import Census

__all__ = ["audit_of", "database_of", "hubs_of", "inbox_of", "runs_of"]

_RUNS: Final = 10
_ROWS: Final = 200
_FAULTS: Final = 50
_KINDS: Final = (TICKET, COMMENT, ATTACHMENT)
_WAITING: Final = (*_KINDS, PERSON)
_STATES: Final = ("running", "done", "planned", "braked", "interrupted", "failed")
_TAGS: Final = (READ, WAY, UNDONE)
_HEAD: Final = r"\d+:[0-9a-f]{64}"
_RUN: Final = r"\d{1,9}"
_MONTH: Final = r"\d{4}-\d{2}|never"
_COUNTS: Final = ("read", "news", "held", "planned", "requests", "written", "failed", "put_off")


def runs_of(replica: Replica, words: Pseudonyms) -> list[dict[str, Any]]:
    """Returns how the last runs ended."""
    return [
        {
            "run": formed(one.run, _RUN), "job": words.word("job", one.job),
            "started": moment(one.started), "ended": moment(one.ended),
            "seconds": (one.ended - one.started) / 1_000_000 if one.ended else None,
            "state": among(one.state, _STATES), "exit": one.exit, "settled": one.settled,
            "conflicts": one.conflicts, "inbox": one.inbox, "undoes": formed(one.undoes, _RUN),
            "audit": formed(one.audit, _HEAD),
            "brakes": [own_words(said) for said in one.brakes],
            "remotes": {
                words.word("remote", name): {
                    **{count: getattr(remote, count) for count in _COUNTS},
                    "error": own_words(remote.error),
                }
                for name, remote in one.remotes.items()
            },
        }
        for one in islice(runs(replica), _RUNS)
    ]  # fmt: skip


def audit_of(replica: Replica, words: Pseudonyms) -> dict[str, Any]:
    """Returns whether the audit is whole, and the last requests by what came of them."""
    found = verify(replica.store)
    counts: Counter[tuple[str, ...]] = Counter()
    seen: set[str] = set()
    for one in requests(replica.store) if not found.fault else ():
        seen.add(one.said["run"])
        if len(seen) > _RUNS:
            break
        said = one.said
        counts[said["run"], said["remote"], said["verb"], said["kind"], one.outcome] += 1
    outcomes = {*(one.value for one in Outcome), "sent"}
    return {
        "whole": not found.fault, "what": own_words(found.fault),
        "head": formed(str(found.head), _HEAD), "requests": found.requests,
        "unanswered": found.unanswered, "erased": found.erased, "older": found.older,
        "rows": [
            {"run": formed(run, _RUN), "remote": words.word("remote", remote),
             "verb": among(verb, tuple(Verb)), "kind": among(kind, _KINDS),
             "outcome": among(outcome, outcomes), "count": count}
            for (run, remote, verb, kind, outcome), count in counts.items()
        ],
    }  # fmt: skip


def inbox_of(replica: Replica, words: Pseudonyms) -> dict[str, Any]:
    """Returns what waits, with the reasons in the program's own words."""
    disguise = Disguise(words, None)
    names = _names(replica)
    found: list[tuple[Any, Waiting]] = [
        (key, waiting_of(data)) for key, data in replica.store.scan("inbox")
    ]
    return {
        "count": len(found),
        "rows": [
            {
                "remote": words.word("remote", names.get(key[0], key[0].hex())),
                "kind": among(key[1], _WAITING), "item": _item(words, *key[:3]),
                "field": disguise.field(row.field) if row.field else None,
                "reason": own_words(row.reason), "tag": among(row.tag, _TAGS),
                "since": moment(row.since), "tries": row.tries, "parked": row.parked,
                "quiet": row.quiet, "question": bool(row.pairing),
            }
            for key, row in found[:_ROWS]
        ],
    }  # fmt: skip


def _item(words: Pseudonyms, tracker: bytes, kind: str, ref: str) -> Safe:
    if kind == PERSON:
        return words.word("person", ref)
    return words.word("new" if ref.startswith("new:") else "item", (tracker, kind, ref))


def database_of(replica: Replica, words: Pseudonyms, *, whole: bool) -> dict[str, Any]:
    """Returns counts and sizes, and what is wrong with it."""
    census, found = Census(replica.store), stats(replica.store)
    said = census.damage()
    if whole and not said:
        said = list(islice(check(replica.store), _FAULTS))
    return {
        "version": replica.store.rows("PRAGMA user_version")[0][0],
        "records": {_type(words, kind): count for kind, count in found.records.items()},
        "deleted": {_type(words, kind): count for kind, count in found.deleted.items()},
        "entries": found.entries, "writes": found.writes, "origins": found.origins,
        "conflicts": found.conflicts, "quarantine": found.quarantine, "wanted": found.wanted,
        "sizes": found.sizes, "per_ticket": found.per_ticket,
        "months": {formed(month, _MONTH) or Safe("?"): n for month, n in found.months.items()},
        "rows": {Safe(table): census.count(table) for table in LEDGER},
        "check": [own_words(one) for one in said],
        "whole": whole,
    }  # fmt: skip


def hubs_of(replica: Replica, words: Pseudonyms) -> dict[str, Any]:
    """Returns who reads and writes what, how far it was read, and who is exchanged with."""
    hub, names = hub_of(replica), _names(replica)
    return {
        "claims": [_claim(replica, words, tracker, hub) for tracker in names],
        "peers": [
            {"name": words.word("peer", one.name), "where": words.address(one.url),
             "password": bool(one.password), "private": one.private,
             "pulled": moment(one.pulled), "pushed": moment(one.pushed)}
            for one in peers(replica)
        ],
        "checkpoints": [
            _checkpoint(replica, words, str(key[0]), TrackerId(key[1]), names)
            for key, _ in replica.store.scan("checkpoints")
            if isinstance(key[1], bytes)
        ],
    }  # fmt: skip


def _claim(replica: Replica, words: Pseudonyms, tracker: TrackerId, hub: bytes) -> dict[str, Any]:
    held = claim_of(replica, tracker)
    name = Ledger(replica.store, tracker, "").remote_named(tracker)
    whose = "nobody" if held is None or not held.hub else (
        "this hub" if held.held_by(hub) else "another hub"
    )  # fmt: skip
    return {
        "remote": words.word("remote", name or tracker.hex()), "held": Safe(whose),
        "since": moment(held.since) if held else None,
        "tickets": sum(1 for _ in replica.store.scan("shadows", (tracker, TICKET))),
    }  # fmt: skip


def _checkpoint(
    replica: Replica, words: Pseudonyms, job: str, tracker: TrackerId, names: dict[TrackerId, str]
) -> dict[str, Any]:
    place = Ledger(replica.store, tracker, job).place()
    return {
        "job": words.word("job", job),
        "remote": words.word("remote", names.get(tracker, tracker.hex())),
        "cursor": bool(place.cursor), "composed": place.composed, "paired": len(place.paired),
        "whole": place.whole, "local": place.local,
    }  # fmt: skip


def _names(replica: Replica) -> dict[TrackerId, str]:
    """Returns the remotes' names by tracker."""
    ledger = Ledger(replica.store, TrackerId(b""), "")
    found = {TrackerId(data) for key, data in replica.store.scan("settings")
             if str(key[0]).startswith("tracker-of:")}  # fmt: skip
    return {one: ledger.remote_named(one) or one.hex() for one in sorted(found)}


def _type(words: Pseudonyms, kind: str) -> Safe:
    return among(kind, _KINDS) or words.word("type", kind)
