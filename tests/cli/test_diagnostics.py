"""`diagnostics`: a bundle that tells how a hub is, and nothing of whose it is."""

from __future__ import annotations

import json
import stat
import zipfile

import pytest

from house.guards import Guard, switched_off
from prophet_hub.errors import Rejected, Transient
from prophet_hub.testing.tracker import Knobs, Tracker

PLANTED = {
    "secret in the environment": "tr0ub4dor-env",
    "secret in a file": "tr0ub4dor-file",
    "secret in clear text": "tr0ub4dor-clear",
    "password in an address": "tr0ub4dor-url",
    "token in an error": "tr0ub4dor-token",
    "host": "intranet-zebra",
    "path": "secretproject",
    "remote": "zebra-main",
    "other remote": "zebra-copy",
    "job": "zebra-sync",
    "query": "zebraqueue",
    "query's address": "boss@zebra.example",
    "people file": "jane.roe@zebra.example",
    "login": "jroe77",
    "own field": "zebra_budget",
    "their field": "cf_zebra",
    "their word": "zebra_urgent",
    "our word": "zebra_hot",
    "filled in": "zebra_owner",
    "title": "Zebra fell into the copier",
    "description": "She called 555-0199 about the zebra",
    "comment": "zebra-comment-42",
    "file": "zebra-invoice.pdf",
    "file's text": "zebra-bytes",
    "label": "zebra-label",
    "odd letters": "zébra\u202e\u200bß",
    "ticket": "ZEBRA-4711",
    "author": "dr.zebra@zebra.example",
    "setting": "zebra-setting",
    "peer": "zebra-peer",
    "alias": "zebra-alias",
    "key of nobody's": "zebra-unknown-key",
}
"""What stands somewhere in the world below, each once or more."""

JOB_FILE = """
remotes:
  zebra-main:
    connector: memory
    url: memory://a
    query: owner=nobody queue=zebraqueue
    user: jroe77
    password: env:ZEBRA_PASSWORD
    words: [zebra-setting]
    fields: {"memory:zebra_budget": cf_zebra}
    values: {status: {zebra_urgent: zebra_hot}}
    fill: {status=zebra_hot: {owner: zebra_owner}}
    people: {jroe77: jane.roe@zebra.example}
  zebra-copy:
    connector: memory
    url: memory://b
    password: file:zebra.secret
  zebra-rt:
    connector: rt
    url: https://intranet-zebra.zebra.example:8443/secretproject/rt
    password: keyring:zebra-rt/jroe77
jobs:
  zebra-sync:
    remotes: {zebra-main: {direction: both, query: owner=boss@zebra.example}, zebra-copy: {}}
    conflicts: {default: prefer zebra-main, summary: newest}
    brakes: {closes: 17}
people: zebra-people.yaml
"""
BROKEN = JOB_FILE.replace("direction: both", "direction: zebra-unknown-key").replace(
    "password: env:ZEBRA_PASSWORD", "password: tr0ub4dor-clear\n    zebra-unknown-key: 1"
).replace("url: memory://b", "url: https://jroe77:tr0ub4dor-url@intranet-zebra.zebra.example/")  # fmt: skip


@pytest.fixture
def world(hub, monkeypatch):
    """A hub that worked, failed and waits, with something to hide in every place."""
    monkeypatch.setenv("ZEBRA_PASSWORD", "tr0ub4dor-env")
    monkeypatch.setenv("PROPHET_HUB_AUTHOR", "dr.zebra@zebra.example")
    (hub.folder / "zebra.secret").write_text("tr0ub4dor-file\n")
    (hub.folder / "zebra-people.yaml").write_text(
        "jane.roe@zebra.example: {zebra-main: jroe77}\ndr.zebra@zebra.example: {}\n"
    )
    for name in "ab":
        knobs = Knobs(refuses=frozenset({"resolved"})) if name == "b" else Knobs()
        hub.trackers[name] = Tracker(name, knobs)
    hub.a.passwords["jroe77"], hub.b.passwords["hub"] = "tr0ub4dor-env", "tr0ub4dor-file"
    one = hub.a.create("jroe77", {
        "summary": "Zebra fell into the copier", "status": "open", "owner": "boss@zebra.example",
        "description": "She called 555-0199 about the zebra",
        "labels": frozenset({"zebra-label", "zébra\u202e\u200bß"}),
    })  # fmt: skip
    hub.a.comment("jroe77", one, "zebra-comment-42")
    hub.a.attach("jroe77", one, "zebra-invoice.pdf", b"zebra-bytes")
    hub.job_file(JOB_FILE)
    assert hub("sync zebra-sync --yes -q").code in (0, 1)
    hub.a.update("jroe77", one, {"status": "resolved"})
    hub("sync zebra-sync -q")

    def refused(name):
        if name.startswith("before PUT"):
            raise Rejected(
                "https://intranet-zebra.zebra.example/?token=tr0ub4dor-token refused "
                '"Zebra fell into the copier" of ZEBRA-4711.'
            )

    hub.boundaries["b"] = refused
    hub.a.update("jroe77", one, {"summary": "Zebra fell into the copier again"})
    hub("sync zebra-sync -q")

    def down(name):
        if name.startswith("before GET /changed"):
            raise Transient("https://jroe77:tr0ub4dor-url@intranet-zebra.zebra.example/ is down.")

    hub.boundaries["b"], hub.boundaries["a"] = down, down
    assert hub("sync zebra-sync -q").code == 1
    hub.boundaries.clear()
    hub("ticket create", "summary=Zebra fell into the copier")
    hub("peers add zebra-peer https://intranet-zebra.zebra.example/secretproject/")
    hub("aliases set zebra-alias", "tickets zebraqueue")
    return hub


def inside(hub, words=""):
    """Makes a bundle; returns all bytes in it, and its parts."""
    file = hub.folder / "bundle.zip"
    file.unlink(missing_ok=True)
    said = hub(f"diagnostics -o {file} {words}")
    assert said.code == 0, said.err
    with zipfile.ZipFile(file) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    parts = {name.removesuffix(".json"): json.loads(data) for name, data in held.items()
             if name.endswith(".json")}  # fmt: skip
    return b"\n".join([*held.values(), "\n".join(held).encode()]), parts


def found(data):
    """Returns what of the planted things stands in a bundle, in any of the ways to write it."""
    text = data.decode().lower()
    return {
        what
        for what, word in PLANTED.items()
        for form in (word, json.dumps(word)[1:-1], word.split("\u202e")[0], word.encode().hex())
        if form.lower() in text
    }


@pytest.mark.parametrize("job_file", [JOB_FILE, BROKEN, "remotes: [zebra-main\n", None])
def test_nothing_secret_or_personal_is_in_it(world, job_file):
    if job_file is None:
        (world.folder / "prophet-hub.yaml").unlink()
    else:
        world.job_file(job_file)

    data, _ = inside(world)

    assert found(data) == set()
    assert b"zebra" not in data.lower()
    assert str(world.folder).encode() not in data


MODULE = "prophet_hub.jobs."
LEAKS = (
    Guard("a pseudonym says nothing of what it stands for", f"{MODULE}pseudonyms",
          'Safe(f"{kind}-{self._counts[kind]}")', "Safe(said)"),
    Guard("a sentence is told in the program's words", f"{MODULE}sentences",
          "    chosen: list[_Found] = []", "    return Safe(text)\n    chosen: list[_Found] = []"),
    Guard("a host is a pseudonym", f"{MODULE}pseudonyms",
          "if parts.scheme not in _SCHEMES or not parts.hostname:", "if True:\n            return Safe(value)\n        if False:"),
    Guard("a secret is told by where it is kept", f"{MODULE}disguise",
          'return Safe(f"{scheme}:...")', "return Safe(said)"),
    Guard("a value is told where there are few", f"{MODULE}disguise",
          'return _listed(path, said) or self._words.word(kind or "word", said)', "return Safe(said)"),
)  # fmt: skip


@pytest.mark.parametrize("guard", LEAKS, ids=lambda guard: guard.rule)
def test_without_its_guards_the_test_finds_what_leaks(world, guard):
    world.job_file(BROKEN if "value" in guard.rule else JOB_FILE)
    with switched_off(guard):
        data, _ = inside(world, "--quick")

    assert b"zebra" in data.lower()


def test_what_nobody_said_is_safe_is_left_out(world):
    rule = Guard("the seal lets only safe words out", "prophet_hub.jobs.diagnosed",
                 '"reason": own_words(row.reason)', '"reason": row.reason, "zebra": row.reason')  # fmt: skip
    with switched_off(rule):
        data, parts = inside(world, "--quick")

    assert b"zebra" not in data.lower()
    assert parts["inbox"]["rows"][0]["reason"] == "(left out)"
    assert "(left out)" in parts["inbox"]["rows"][0]


def test_it_tells_what_whoever_mends_a_fault_wants_to_know(world):
    data, parts = inside(world)

    assert b"(left out)" not in data
    assert b"not_gathered" not in data
    assert parts["versions"]["prophet_hub"]
    assert {"name": "rt", "package": "prophet-hub", "version": "0.1.0"} in parts["versions"][
        "connectors"
    ]
    main, copy, rt = parts["job_file"]["file"]["remotes"].items()
    assert rt[1] == {"connector": "rt", "url": "https://host-3.example:8443/path-1",
                     "password": "keyring:..."}  # fmt: skip
    job = parts["job_file"]["file"]["jobs"]["job-1"]
    assert job["remotes"][main[0]] == {"direction": "both", "query": "query-2"}
    assert job["conflicts"] == {"default": f"prefer {main[0]}", "summary": "newest"}
    assert job["brakes"] == {"closes": "17"}
    assert [one["exit"] for one in parts["runs"]] == [1, 1, 1, 0]
    assert parts["runs"][0]["remotes"].keys() == {main[0], copy[0]}
    assert (
        parts["runs"][0]["remotes"][main[0]]["error"] == "(67 letters that are not the program's)"
    )
    reasons = {one["reason"] for one in parts["inbox"]["rows"] if one["remote"] == copy[0]}
    assert reasons >= {
        "The tracker took the value and does not show it.",
        "Nobody here is known by this name, so ... is not written; name them in the people file.",
    }
    assert parts["audit"]["whole"] is True
    assert {"remote", "verb", "outcome", "count"} <= parts["audit"]["rows"][0].keys()
    assert parts["database"]["records"]["ticket"] == 2
    assert parts["database"]["check"] == []
    assert parts["hubs"]["claims"][0]["held"] == "this hub"
    assert parts["how_long"].keys() == parts.keys() - {"how_long"}


def test_it_is_a_new_file_that_only_its_owner_reads(world, monkeypatch):
    monkeypatch.chdir(world.folder)

    said = world("diagnostics --quick")

    (file,) = world.folder.glob("prophet-hub-diagnostics-*.zip")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert said.out.startswith(f"{file.name} was written.")
    assert "Look at it before you send it" in said.out
    before = file.read_bytes()
    again = world("diagnostics --quick")
    assert again.code == 2
    assert again.err.endswith("is there already. Name another file with --output.\n")
    assert file.read_bytes() == before


def test_show_prints_it_and_writes_nothing(world):
    said = world("diagnostics --show --quick")

    assert "--- job_file.json" in said.out
    assert "zebra" not in said.out.lower()
    assert list(world.folder.glob("*.zip")) == []


def test_a_broken_job_file_is_told_with_its_faults(world):
    world.job_file(BROKEN)

    _, parts = inside(world, "--quick")

    faults = parts["job_file"]["faults"]
    assert "A secret stands in the file in clear text." in [one["what"] for one in faults]
    assert all(one["line"] for one in faults)


def test_without_a_job_file_or_a_database_it_says_so(hub):
    (hub.folder / "prophet-hub.yaml").unlink()

    data, parts = inside(hub)

    assert parts["job_file"] == {
        "here": False,
        "not_gathered": "There is no job file .... Write one with prophet-hub init, or name it with --config.",
    }
    assert parts["runs"]["not_gathered"].startswith("There is no database at ...")
    assert str(hub.folder).encode() not in data


def test_a_part_that_breaks_is_told_by_its_place(world):
    breaks = Guard("any", "prophet_hub.jobs.diagnosed", "found: list[tuple[Any, Waiting]] = [",
                   "raise ValueError('zebra')\n    found: list[tuple[Any, Waiting]] = [")  # fmt: skip
    with switched_off(breaks):
        data, parts = inside(world, "--quick")

    assert b"zebra" not in data.lower()
    told = parts["inbox"]["not_gathered"]
    assert told.startswith("ValueError at jobs/diagnostics.py:")
    assert "jobs/diagnosed.py:" in told
    assert parts["audit"]["whole"] is True


def test_a_damaged_database_is_told(world):
    file = world.folder / "hub.db"
    head = file.read_bytes()[:4096]
    file.write_bytes(head + b"zebra" * 20_000)

    data, parts = inside(world)

    assert b"zebra" not in data.lower()
    assert "not_gathered" in parts["database"]
    assert parts["job_file"]["faults"] == []


def test_a_busy_database_is_read_all_the_same(world):
    import sqlite3  # noqa: PLC0415 - another process, played here

    other = sqlite3.connect(world.folder / "hub.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        _, parts = inside(world)
    finally:
        other.close()

    assert parts["database"]["check"] == []
    assert parts["audit"]["whole"] is True
