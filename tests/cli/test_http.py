"""RT and Hiveminder over HTTP: what goes wrong on a wire, told in one sentence."""

from __future__ import annotations

import pytest

from cli.hub import Hub
from fakes import hiveminder, rt
from prophet_hub.sdk.pace import SystemClock
from prophet_hub.testing.faults import Fault, Faulty, Script, What
from prophet_hub.testing.serve import Served
from prophet_hub.testing.tracker import Tracker

JOB_FILE = """
remotes:
  rt-main: {{connector: rt, url: {support}, user: hub, password: env:RT_PASSWORD}}
  hiveminder: {{connector: hiveminder, url: {tasks}, email: hub@example.org, password: env:HM_PASSWORD}}
"""


class Wire(Hub):
    """The hub between an RT and a Hiveminder on loopback ports, with a script of faults each."""

    def __init__(self, folder, capsys):
        super().__init__(folder, capsys)
        self.support, self.tasks = rt.RTTracker(), Tracker("hiveminder", hiveminder.KNOBS)
        self.script = {"rt": Script(), "hm": Script()}

    def sync(self):
        return self("sync rt-main hiveminder --yes --quiet")

    def summaries(self):
        return (
            sorted(str(one.fields["Subject"]) for one in self.support.items.values()),
            sorted(str(one.fields["summary"]) for one in self.tasks.items.values()),
        )

    def carries_on(self):
        for script in self.script.values():
            script.clear()
        for _ in range(3):
            said = self.sync()
            assert (said.code, said.err) == (0, "")
        for one, other in (self.summaries(), self.summaries()):
            assert one == other == ["Buy milk", "Login page fails", "Printer on fire"]


@pytest.fixture
def wire(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    monkeypatch.setenv("RT_PASSWORD", "correct horse")
    monkeypatch.setenv("HM_PASSWORD", "correct horse")
    hub = Wire(tmp_path, capsys)
    first = hub.support.create("jesse", {"Subject": "Login page fails", "Content": "Nobody."})
    hub.support.comment("bob", first, "Seen here too.")
    hub.support.create("eve", {"Subject": "Printer on fire"})
    hub.tasks.create("bob", {"summary": "Buy milk"})
    with (
        Served(Faulty(app=rt.RTFake(hub.support), script=hub.script["rt"])) as support,
        Served(Faulty(app=hiveminder.app(hub.tasks), script=hub.script["hm"])) as tasks,
    ):
        (tmp_path / "prophet-hub.yaml").write_text(JOB_FILE.format(support=support, tasks=tasks))
        yield hub


def one_sentence(said, code, remote):
    assert said.code == code, said.err
    assert said.out == ""
    assert said.err.startswith(f"prophet-hub: {remote}"), said.err
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    assert "correct horse" not in said.err


@pytest.mark.parametrize(("remote", "tracker"), [("rt-main", "support"), ("hiveminder", "tasks")])
def test_a_wrong_password(wire, remote, tracker):
    passwords = getattr(wire, tracker).passwords
    before = dict(passwords)
    for login in passwords:
        passwords[login] = "another"

    one_sentence(wire.sync(), 2, remote)
    passwords.update(before)
    wire.carries_on()


def test_a_server_that_is_not_there(wire, tmp_path):
    file = tmp_path / "prophet-hub.yaml"
    right = file.read_text()
    with Served(lambda environ, start: []) as gone:
        pass
    lines = right.splitlines()
    lines[2] = f"  rt-main: {{connector: rt, url: {gone}, user: hub, password: env:RT_PASSWORD}}"
    file.write_text("\n".join(lines))

    one_sentence(wire.sync(), 1, "rt-main")
    file.write_text(right)
    wire.carries_on()


@pytest.mark.parametrize(("remote", "script"), [("rt-main", "rt"), ("hiveminder", "hm")])
@pytest.mark.parametrize("what", [What.TRUNCATED, What.GARBLED, What.CUT], ids=str)
def test_a_reading_that_is_no_answer(wire, remote, script, what):
    wire.script[script].add(Fault(what=what, method="GET", times=None))

    one_sentence(wire.sync(), 1, remote)
    wire.carries_on()


@pytest.mark.parametrize(("remote", "script"), [("rt-main", "rt"), ("hiveminder", "hm")])
@pytest.mark.parametrize("what", [What.TRUNCATED, What.LOST, What.STATUS], ids=str)
def test_a_write_without_an_answer(wire, remote, script, what):
    wire.script[script].add(
        Fault(what=what, method="POST", path="ticket|Task|Comment|Transaction", times=2)
    )

    said = wire.sync()

    assert said.code in (0, 1), said.err
    assert all(line.startswith(f"prophet-hub: {remote}") for line in said.err.splitlines())
    wire.carries_on()


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_server_that_refuses_every_reading(wire, status):
    wire.script["rt"].add(Fault(what=What.STATUS, method="GET", status=status, times=None))

    said = wire.sync()

    assert said.code in (1, 2)
    one_sentence(said, said.code, "rt-main")
    wire.carries_on()


def test_a_server_that_asks_for_a_pause(wire):
    wire.script["rt"].add(Fault(what=What.LIMITED, retry_after="100000", times=None))

    one_sentence(wire.sync(), 1, "rt-main")
    wire.carries_on()


def test_check_tells_what_stands_there(wire):
    out = wire("check").out

    assert "rt-main           ok: RT 5.0.3" in out
    assert "hiveminder        ok: Hiveminder as " in out
    wire.support.passwords["hub"] = "another"
    said = wire("check")
    assert said.code == 2
    assert "failed: rt-main" in said.out
    assert "(prophet-hub.yaml, line 3)" in said.out
