"""The connector in memory keeps the contract, whatever its tracker is like."""

import pytest

from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, History
from prophet_hub.testing import ConnectorContract, Knobs, MemorySandbox

PLAIN = frozenset({("create", TICKET), ("update", TICKET), ("create", COMMENT)})
READER = frozenset()


def padded(field, text):
    return f" {text.strip()} " if field in ("summary", "description") else text


class OnMemory(ConnectorContract):
    """No check is skipped for want of a sandbox."""

    may_skip = ()
    knobs = Knobs(page=2)

    @pytest.fixture
    def sandbox(self):
        return MemorySandbox(self.knobs)


class TestFull(OnMemory):
    knobs = Knobs(
        page=2, attachment_limit=1 << 20, impersonation=True, dialect="markdown", refers=True,
        comment_limit=30_000,
    )  # fmt: skip


class TestPartial(OnMemory):
    knobs = Knobs(
        page=2, history=History.PARTIAL, conditional=False, inclusive=False, answers=True,
        keys=frozenset({TICKET, ATTACHMENT}),
    )  # fmt: skip


class TestNone(OnMemory):
    knobs = Knobs(
        page=2, history=History.NONE, keys=frozenset(), ordered=False, tombstones=False,
        private_comments=False, inline=True,
    )  # fmt: skip


class TestPlain(OnMemory):
    knobs = Knobs(
        page=3, granularity=0, ordered_ids=False, mentions=True, notifies=True, writes=PLAIN
    )


class TestOdd(OnMemory):
    knobs = Knobs(
        page=2, doubled=True, granularity=60, inclusive=False, render=padded, canon=str.strip,
    )  # fmt: skip


class TestLate(OnMemory):
    knobs = Knobs(page=2, overlap=8, conditional=False)


class TestReadOnly(OnMemory):
    knobs = Knobs(page=2, writes=READER)


class TestWorkflow(OnMemory):
    knobs = Knobs(
        page=2, offers=True, conditional=False,
        allowed={"status": ("new", "open", "closed", "reviewed")},
        transitions={"status": {"new": ("open", "closed"), "open": ("new", "reviewed")}},
        requires={"status": {"closed": ("owner",)}},
    )  # fmt: skip


class TestDrawn(OnMemory):
    """The graph is told and no ticket says what it offers."""

    knobs = Knobs(
        page=2, transitions={"status": {"new": ("open", "closed")}},
        requires={"status": {"closed": ("due", "labels")}},
    )  # fmt: skip
