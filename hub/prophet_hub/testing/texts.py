"""The texts that every connector must carry there and back."""

from __future__ import annotations

__all__ = ["LONG_TEXT", "TEXTS"]

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
