r"""What one line of todo.txt says, and how it is changed: tags, key:value words, titles.

Tags (`@context`, `+project`) at both ends of a text are labels; inside it they are words of the
sentence: a label that is taken away must not tear a word out.  A word of a title that would be read
as something else is written with a backslash before it, and read without: this needs no memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from prophet_connectors._todotxt_line import DAY, Line, is_day, parse

__all__ = ["Change", "core", "edit", "labels", "said", "token_in", "with_id"]

_TAG = re.compile(r"(?!@\+.)[@+][^ \t\r]+")
_KEYS = {  # understood wherever they stand, if their value is good
    "due": re.compile(DAY),
    "t": re.compile(DAY),
    "rec": re.compile(r"\+?[0-9]+[dbwmy]"),
    "pri": re.compile(r"[A-Z]"),
    "hub": re.compile(r"[0-9A-Za-z]+|=[^: \t\r]+"),
}
_OTHERS = {  # not ours to read; at the end of a line they are no part of the title
    "id", "p", "dep", "h", "uuid", "sup", "note", "star", "created", "completed", "effort", "est",
    "pm",
}  # fmt: skip
_PRI = re.compile(r"(?<![^ \t\r])\\*pri:[A-Z](?![^ \t\r])")
_ID = re.compile(r"(?<![^ \t\r])hub:([0-9A-Za-z]+|=[^: \t\r]+)(?![^ \t\r])")
_LABEL_HIDES = re.compile(r"%(?=20|25|09|0A|0D)|[ \t\r\n]")
_LABEL_SHOWS = re.compile(r"%(20|25|09|0A|0D)")


def said(line: Line) -> dict[str, str]:
    """Returns the single-valued fields of a line: their names here, their words."""
    words = _words(line)
    keys = {name: value for word in reversed(words) for name, value in _key_of(word)}
    fields = {
        "summary": _title(words, done=line.done),
        "status": "done" if line.done else "open",
        "priority": line.priority or (keys.get("pri", "") if line.done else ""),
        "completed": line.completed,
        "due": keys.get("due", ""),
        "t": keys.get("t", ""),
        "rec": keys.get("rec", ""),
        "hub": next((v for w in reversed(words) if w.role == "id" for _, v in _key_of(w)), ""),
    }
    return {name: value for name, value in fields.items() if value}


def labels(line: Line) -> frozenset[str]:
    """Returns the tags at both ends: a context as its word, a project with its `+`."""
    return frozenset(_label(w.text) for w in _words(line) if w.role == "tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different in a line; a field with None is taken out."""

    fields: Mapping[str, str | None] = field(default_factory=dict)
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


def edit(line: Line, change: Change, *, today: str) -> Line:
    """Returns the line with the change in it and every other word at its place.

    `today` is the day on which a line that this completes was completed.

    Raises:
        ValueError: A value that the format has no place for.
    """
    wanted = {**said(line), **change.fields}
    tags = (labels(line) - change.removed) | change.added
    title = " ".join(re.split(r"[ \t\r\n]+", wanted.get("summary") or "")).strip(" ")
    if "status" in change.fields:
        line = _completed(line, wanted["status"], today)
    if "priority" in change.fields:
        line = _prioritised(line, wanted["priority"] or "")
    words = _words(line)
    for name in ("due", "t", "rec"):
        if name in change.fields:
            words = _keyed(words, name, wanted[name])
    words = [w for w in words if not (w.role == "tag" and _label(w.text) not in tags)]
    for label in sorted(tags - {_label(w.text) for w in words if w.role == "tag"}):
        words = _put(words, _tag(label), "tag")
    new = replace(line, body=_body(words))
    if tags and not title:
        raise ValueError("todo.txt has no place for labels without a title")
    if _title(_words(new), done=line.done) != title or labels(new) != tags:
        new = replace(line, body=_body(_titled(words, title, done=line.done)))
    return _guarded(new)


def token_in(text: str) -> str:
    """Returns what stands behind our word in a line, "" if it has none; as `said`, but quick."""
    found = _ID.findall(text) if "hub:" in text else ()
    return str(found[-1]) if found else ""


def with_id(line: Line, token: str) -> Line:
    """Returns the line with our word `hub:token` at its end, in place of one that it has."""
    words = _words(line)
    kept = [replace(w, text=f"hub:{token}") if w.role == "id" else w for w in words]
    new = kept if any(w.role == "id" for w in words) else _put(words, f"hub:{token}", "id")
    return _guarded(replace(line, body=_body(new)))


def _guarded(line: Line) -> Line:
    """Returns a line whose text begins with no word that would be read as a prefix."""
    return line if parse(str(line)) == line else replace(line, body=f"\\{line.body}")


def core(text: str) -> str:
    """Returns what stays of a line when it is completed, archived, raised or marked by us."""
    line = parse(text)
    words = [w for w in _words(replace(line, done=True)) if w.role != "id"]
    return " ".join(w.text for w in words if w.text and not w.text.startswith("pri:"))


# --- words ---


@dataclass(frozen=True, slots=True)
class _Word:
    """A word, the blanks before it, and its role: id, key, other, tag or text.

    A word without text stands for the blanks at the end.
    """

    gap: str
    text: str
    role: str


def _words(line: Line) -> list[_Word]:
    found = [(m[1], m[2]) for m in re.finditer(r"([ \t\r]*)([^ \t\r]*)", line.body) if m[0]]
    roles = [_role(text, done=line.done) for _, text in found]
    ids = [n for n, role in enumerate(roles) if role == "id"]
    for n in ids[:-1]:
        roles[n] = "text"  # somebody's quotation: the last one is ours
    sentence = [n for n, role in enumerate(roles) if role == "text"]
    if not sentence:  # nothing but tags: they are what the line says
        roles = ["text" if role == "tag" else role for role in roles]
    else:
        for n in range(len(roles)):
            inside = sentence[0] < n < sentence[-1]
            if (inside and roles[n] == "tag") or (n < sentence[-1] and roles[n] == "other"):
                roles[n] = "text"
    return [_Word(gap, text, role) for (gap, text), role in zip(found, roles, strict=True)]


def _role(text: str, *, done: bool) -> str:
    if not text:
        return "end"
    name, colon, value = text.partition(":")
    if colon and value and ":" not in value:
        good = _KEYS.get(name)
        if good and good.fullmatch(value) and (name not in ("due", "t") or is_day(value)):
            return "id" if name == "hub" else "key" if name != "pri" or done else "text"
        if name in _OTHERS:
            return "other"
    return "tag" if _TAG.fullmatch(text) else "text"


def _key_of(word: _Word) -> list[tuple[str, str]]:
    name, _, value = word.text.partition(":")
    return [(name, value)] if word.role in ("key", "id") else []


def _body(words: Sequence[_Word]) -> str:
    return "".join(w.gap + w.text for w in words)


def _put(words: Sequence[_Word], text: str, role: str) -> list[_Word]:
    """Returns the words with a new one at the end, but before our own id."""
    at = next((n for n, w in enumerate(words) if w.role == "id"), len(words))
    if at == len(words) and words and words[-1].role == "end":
        return [*words[:-1], _Word(words[-1].gap + " ", text, role)]
    if at == 0:
        return [_Word("", text, role), *[replace(w, gap=w.gap or " ") for w in words]]
    return [*words[:at], _Word(" ", text, role), *words[at:]]


def _drop_last(words: Sequence[_Word], text: str) -> list[_Word]:
    """Returns the words without the last that is `text`, so that `_put` at the end is undone."""
    at = max(n for n, w in enumerate(words) if w.text == text)
    rest = [_Word(words[at].gap[:-1], "", "end")] if at == len(words) - 1 else words[at + 1 :]
    return [*words[:at], *rest]


def _keyed(words: list[_Word], name: str, value: str | None) -> list[_Word]:
    """Returns the words with the first `name:` in place, or all of them taken out for None."""
    mine = [n for n, w in enumerate(words) if w.role == "key" and w.text.startswith(f"{name}:")]
    if not value:
        return [w for n, w in enumerate(words) if n not in mine]
    text = f"{name}:{value[:10] if name in ('due', 't') else value}"
    if _role(text, done=True) != "key":
        raise ValueError(f"todo.txt has no place for {value!r} as {name}")
    if mine:
        return [replace(w, text=text) if n == mine[0] else w for n, w in enumerate(words)]
    return _put(words, text, "key")


# --- titles and labels ---


def _title(words: Iterable[_Word], *, done: bool) -> str:
    texts = [w.text for w in words if w.role == "text"]
    return " ".join(
        text[1:] if text[0] == "\\" and _special(text.lstrip("\\"), n, done=done) else text
        for n, text in enumerate(texts)
    )


def _titled(words: Sequence[_Word], title: str, *, done: bool) -> list[_Word]:
    """Returns the words with another title where the old one began, escaped where needed."""
    texts = title.split(" ") if title else []
    ends = [n for n, text in enumerate(texts) if _role(text, done=done) == "text"] or [len(texts)]
    hidden = []
    for n, text in enumerate(texts):
        bare = text.lstrip("\\")
        within = ends[0] < n < ends[-1] and bare == text and _role(text, done=done) != "key"
        tagged = within and _role(text, done=done) in ("tag", "other")
        hidden.append("\\" + text if _special(bare, n, done=done) and not tagged else text)
    at = next((n for n, w in enumerate(words) if w.role in ("text", "other")), 0)
    before = list(words[:at])
    after = [w for w in words[at:] if w.role != "text"]
    new = [_Word(" " if n or before else "", text, "text") for n, text in enumerate(hidden)]
    if after and after[0].text and (new or before):
        after[0] = replace(after[0], gap=after[0].gap or " ")
    return [*before, *new, *after]


def _special(bare: str, at: int, *, done: bool) -> bool:
    """Tells whether a word of a title, the first one at 0, could be read as something else."""
    start = bare == "x" or re.fullmatch(rf"\([A-Z]\)|{DAY}", bare)
    return bool(bare) and (_role(bare, done=done) != "text" or (at == 0 and bool(start)))


def _label(tag: str) -> str:
    word = tag if tag[0] == "+" else tag[1:]
    return _LABEL_SHOWS.sub(lambda m: chr(int(m[1], 16)), word)


def _tag(label: str) -> str:
    word = _LABEL_HIDES.sub(lambda m: f"%{ord(m[0]):02X}", label)
    tag = word if word[:1] == "+" and word != "+" else f"@{word}"
    if not _TAG.fullmatch(tag):
        raise ValueError("todo.txt has no place for an empty label")
    return tag


# --- prefix ---


def _completed(line: Line, status: str | None, today: str) -> Line:
    """Returns the line completed or reopened; one after the other gives the old line back."""
    if status not in ("open", "done"):
        raise ValueError(f"todo.txt has no status {status!r}, only open and done")
    if line.done == (status == "done"):
        return line
    if not line.done:
        body = re.sub(_PRI, r"\\\g<0>", line.body)
        new = Line(done=True, completed=today, created=line.created, body=body)
        return _prioritised(new, line.priority)
    letter = said(line).get("priority", "")
    bare = _prioritised(line, "")
    body = re.sub(_PRI, lambda m: m[0].removeprefix("\\"), bare.body)
    return Line(created=line.created, priority=letter, body=body)


def _prioritised(line: Line, letter: str) -> Line:
    """Returns the line with another priority: in the prefix, or as `pri:` in a completed line."""
    if letter and not re.fullmatch("[A-Z]", letter):
        raise ValueError(f"todo.txt has no priority {letter!r}, only the letters A to Z")
    if not line.done or (line.priority and letter):
        return replace(line, priority=letter)
    words = _words(line)
    for word in [w for w in words if w.role == "key" and w.text.startswith("pri:")]:
        words = _drop_last(words, word.text)
    trail = [*words, _Word("", "", "end")]
    if letter:  # at the very end, so that reopening gives the old line back
        end = words[-1].gap if words and words[-1].role == "end" else ""
        body = words[:-1] if end else words
        trail = [*body, _Word(end + " " if body or end else "", f"pri:{letter}", "key")]
    return replace(line, priority="", body=_body(trail))
