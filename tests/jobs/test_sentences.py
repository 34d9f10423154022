"""The program's own sentences are told, and nothing that was put into them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prophet_hub.jobs import sentences
from prophet_hub.jobs.sentences import own_words


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ""),
        ("The tracker took the value and does not show it.",) * 2,
        (("There is no database at /home/zebra/x.db. Name one with --database, or make one with"
         " prophet-hub ticket create, clone or sync."),
         ("There is no database at .... Name one with --database, or make one with"
         " prophet-hub ticket create, clone or sync.")),
        ("rt-main refused the request with 422.", "refused the request with 422."),
        ("rt-main failed with 503 and did not say whether it took it.",
         "failed with 503 and did not say whether it took it."),
        ("rt-main refused the request with zebra.", "refused the request with ...."),
        ("Dr. Zebra lives here.", "(21 letters that are not the program's)"),
    ],
)  # fmt: skip
def test_a_sentence_is_told_without_what_was_put_in(text, told):
    assert own_words(text) == told


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40), st.integers(0, 10_000))
def test_whatever_is_put_in_is_not_told(marker, which):
    """Letters that stand in no sentence of the program show what came from elsewhere."""
    found = sentences._sentences()
    sentence = found[which % len(found)]
    secret = f"\u2603{marker}\u2603"  # a snowman stands nowhere in the source

    assert "\u2603" not in own_words(secret.join(["", *sentence.parts, ""]))


def test_the_hub_and_its_connectors_have_many_sentences():
    assert len(sentences._sentences()) > 1_000
