"""The fake of RT is held to what a real RT 5.0.3 said, also where none can be installed."""

from __future__ import annotations

import json
from pathlib import Path

from fakes.rt import RTFake
from fakes.rt_talk import Talk, differences, held, like_the_real_one
from prophet_hub.testing.serve import Served

RECORD = Path(__file__).parents[2] / "fixtures/rt/talk.json"


def test_every_answer_of_the_fake_stands_in_the_record():
    """tests/live/test_rt_fake_is_true.py holds the same talk with a real one, and records it."""
    with Served(RTFake(like_the_real_one(), most=100, sees_all=False)) as url:
        fake = Talk(url)
        answers = json.loads(json.dumps(held(fake)))
        fake.close()

    assert differences(answers, json.loads(RECORD.read_text())) == []
