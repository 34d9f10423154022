"""The texts that every connector must carry there and back."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LONG_TEXT", "MARKED", "TEXTS", "text_of"]

TEXTS: tuple[str, ...] = (
    "Grüße aus Łódź, 東京 and Αθήνα",
    "שלום עולם, مرحبا بالعالم",
    "Family 👩‍👩‍👧‍👦, flag 🇪🇺, skin 👍🏽, far \U0001d518\U0001d52b",
    "e\u0301 is not \u00e9, and \u00e9 is not e\u0301",
    "<b>bold</b> & \"quoted\" 'single' &amp; \\back\\slash % $HOME `tick` {brace} [bracket]",
    "Two lines:\nthe second,\n\nand a third part; \ta tab",
    "# not a heading\n* nor a list\n> nor a quote",
    "Re: [rt.example #42] #42 rt#42-53",
)
"""Texts that a connector carries there and back without a change."""

LONG_TEXT = "".join(f"{n:05d} A line of some length, äöü 漢字.\n" for n in range(1700))[
    :65536
].rstrip()
"""About 64 Ki characters in many lines."""

MARKED: Mapping[str, str] = {
    "plain": "Some *words*, a_b and http://example.org/a_b?c=d&e.\n\n* one\n* two\n\n    x < 2",
    "markdown": (
        "# A heading\n\nSome *words*, a [link](http://example.org/a_b) & `code`.\n\n* one\n* two\n\n"
        "> a quote\n\n```\nx = 1 < 2\n```"
    ),
    "html": (
        '<p>Some <em>words</em> &amp; a <a href="http://example.org/a_b">link</a>.</p>\n'
        "<ul><li>one</li><li>two</li></ul>\n<pre>x = 1 &lt; 2</pre>"
    ),
    "textile": (
        'h2. A heading\n\nSome _words_, a "link":http://example.org/a_b & @code@.\n\n* one\n* two\n\n'
        "bq. a quote\n\n<pre>\nx = 1 < 2\n</pre>"
    ),
    "trac": (
        "== A heading ==\n\nSome ''words'', a [http://example.org/a_b link] & `code`.\n\n"
        " * one\n * two\n\n> a quote\n\n{{{\nx = 1 < 2\n}}}"
    ),
}
"""A text of each markup that the hub knows."""

_WORDS = "Füllwort 漢字 and words, "


def text_of(length: int, *, lines: bool = False) -> str:
    """Returns a text of exactly so many characters, not all of them ASCII, its ends no blanks."""
    piece = _WORDS.strip() + "\n" if lines else _WORDS
    whole = (piece * (length // len(piece) + 1))[: max(length - 1, 0)]
    return whole + "x" * (length - len(whole))
