"""The fake of RT says what RT says: the same talk with both, answer by answer, field by field.

Numbers, addresses and times are made alike first.  RT may say more than the fake does; what the
fake says, RT says too.  `RT_RECORD=1` writes down what RT said, for where there is none.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from fakes.rt import RTFake
from fakes.rt_talk import API, PARTS, Talk, differences, held, like_the_real_one, within
from prophet_hub.testing.serve import Served

pytestmark = pytest.mark.live

RECORD = Path(__file__).parents[2] / "fixtures/rt/talk.json"


@pytest.fixture(scope="module")
def both(fresh_rt) -> Iterator[tuple[Talk, Talk]]:
    """The real one and the fake, with the same people and custom fields; the talk was held."""
    with Served(RTFake(like_the_real_one(), most=100, sees_all=False)) as url:
        sides = Talk(fresh_rt.url), Talk(url)
        for side in sides:
            side.answers = held(side)
        yield sides
        for side in sides:
            side.close()


def test_the_talk_is_the_same(both):
    """Every answer of the fake is within the answer of RT."""
    real, fake = both
    if os.environ.get("RT_RECORD"):
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(
            json.dumps(real.answers, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        )

    assert differences(fake.answers, real.answers) == []


def test_the_record_is_what_this_rt_says(both):
    """The file that stands for RT where there is none."""
    assert json.loads(RECORD.read_text()) == json.loads(json.dumps(both[0].answers))


def test_the_parts_are_the_same(both):
    """Attachments by transaction: texts in one query, files in the other."""
    answers = []
    for side in both:
        _, page = side("GET", "ticket/T1/history", fields="Type", per_page=100)
        raw = side.session.get(
            f"{side.url}{API}ticket/{side.tickets[1]}/history", params={"fields": "Type", "per_page": 100},
            timeout=30,
        ).json()["items"]  # fmt: skip
        within_ = {
            "field": "TransactionId", "operator": "IN",
            "value": [row["id"] for row in raw if row["Type"] in ("Create", "Comment", "Correspond")],
        }  # fmt: skip
        text = {"field": "ContentType", "operator": "STARTSWITH", "value": "text/"}
        bare = {"field": "Filename", "operator": "IS", "value": "NULL"}
        answers.append([
            page,
            side("GET", "attachments", query=json.dumps([within_, text, bare]), fields=f"{PARTS},Content",
                 orderby="id", per_page=100),
            side("GET", "attachments", query=json.dumps([within_]), fields=PARTS, orderby="id", per_page=100),
        ])  # fmt: skip

    within(answers[1], answers[0])


def test_strangers_are_met_the_same(both):
    """Without credentials 401, with a stale cookie or from a browser 302; REST 1.0 says it in words."""
    said = []
    for side in both:

        def bare(path, side=side, **words):
            answer = requests.get(f"{side.url}{path}", allow_redirects=False, timeout=30, **words)
            first = re.sub(r"RT/\S+", "RT/X", answer.text.split("\n")[0])
            return answer.status_code, first if path.startswith("/REST/1.0") else ""

        stale = dict.fromkeys(side.cookie, "stale")
        said.append([
            side.greeting,
            bare("/REST/2.0/rt"),
            bare("/REST/2.0/rt", cookies=stale),
            bare("/REST/2.0/rt", headers={"User-Agent": "Mozilla/5.0"}),
            bare("/REST/2.0/rt", auth=("hub", "correct horse")),
            bare("/REST/2.0/rt", auth=("hub", "wrong horse")),
            bare("/REST/1.0/ticket/1/attachments/1/content", cookies=stale),
            requests.post(f"{side.url}/REST/1.0/", data={"user": "hub", "pass": "no"}, timeout=30)
            .text.split(" ", 1)[1].strip(),
        ])  # fmt: skip

    assert said[1] == said[0]


def test_content_is_the_same(both):
    """REST 1.0 gives bytes as they were sent; what is not there is said with 200."""
    said = []
    for side in both:
        ticket = side.tickets[1]
        raw = side.session.get(
            f"{side.url}{API}ticket/{ticket}/attachments", params={"fields": "Filename", "per_page": 100},
            timeout=30,
        ).json()["items"] if side is both[0] else [
            {"id": str(p.id), "Filename": p.filename} for p in _parts_of_fake(side, ticket)
        ]  # fmt: skip
        names = {row["Filename"]: row["id"] for row in raw if row["Filename"]}
        rows = []
        for number in [*(names[n] for n in sorted(names)), "999999", "x"]:
            path = f"/REST/1.0/ticket/{ticket}/attachments/{number}/content"
            rows.append(
                side.session.get(f"{side.url}{path}", timeout=30).content.partition(b"\n\n")[2]
            )
        said.append([sorted(names), rows])

    assert said[1] == said[0]


def _parts_of_fake(side, ticket):
    """The fake has no listing per ticket: the connector never asks for it."""
    found = side.session.get(
        f"{side.url}{API}ticket/{ticket}/history",
        params={"fields": "Type,_hyperlinks", "per_page": 100}, timeout=30,
    ).json()["items"]  # fmt: skip
    within_ = {"field": "TransactionId", "operator": "IN", "value": [row["id"] for row in found]}
    page = side.session.get(
        f"{side.url}{API}attachments",
        params={"query": json.dumps([within_]), "fields": "Filename", "per_page": 100}, timeout=30,
    ).json()["items"]  # fmt: skip

    class Part:
        def __init__(self, row):
            self.id, self.filename = row["id"], row["Filename"]

    return [Part(row) for row in page]
