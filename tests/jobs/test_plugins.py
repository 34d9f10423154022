"""Connectors and plugins are found by metadata and loaded by name, when used."""

from __future__ import annotations

import inspect
import logging
import re
import sys
from pathlib import Path

import pytest

import prophet_connectors
from jobs.packages import package
from prophet_hub import hookspecs, plugins
from prophet_hub.errors import UsageError
from prophet_hub.hookspecs import PLUGINS, hookimpl

SPEC_OF = """
from prophet_hub.hookspecs import hookimpl
from prophet_hub.sdk import Connector

class Other(Connector):
    name = "other"
    spec = {spec}

@hookimpl
def prophet_connector():
    return Other
"""


def test_the_built_in_connectors_are_listed():
    """Those whose modules are there: one that nobody registered would be missed here."""
    there = Path(prophet_connectors.__file__).parent.glob("[!_]*.py")

    names = {one.name for one in plugins.installed() if one.package == "prophet-hub"}

    assert names == {module.stem for module in there}


def test_listing_reads_metadata_and_imports_nothing(tmp_path):
    with package(tmp_path, "tracker-one", "raise SystemExit('imported')") as module:
        (found,) = [one for one in plugins.installed() if one.name == "tracker-one"]

        assert module not in sys.modules
    assert (found.package, found.version, found.summary) == (
        "tracker-one",
        "1.2",
        "Tells of tracker-one",
    )


def test_only_the_connector_that_is_named_is_imported(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (
        package(tmp_path / "a", "tracker-two", SPEC_OF.format(spec=1)),
        package(tmp_path / "b", "tracker-three", "raise SystemExit('imported')") as other,
    ):
        found = plugins.connector("tracker-two")

        assert other not in sys.modules
    assert found.name == "other"


def test_the_spec_before_this_one_is_accepted_and_others_are_not(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with package(tmp_path / "a", "tracker-old", SPEC_OF.format(spec=plugins.SPECS[1])):
        assert plugins.connector("tracker-old").spec == plugins.SPECS[1]
    with (
        package(tmp_path / "b", "tracker-new", SPEC_OF.format(spec=7)),
        pytest.raises(UsageError, match="was written for spec 7"),
    ):
        plugins.connector("tracker-new")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError) as raised:
        plugins.connector("todotx")

    assert raised.value.sentence == 'No connector "todotx" is installed.'
    assert raised.value.hint == "Did you mean todotxt?"


def test_a_name_far_from_all_is_answered_with_all():
    names = sorted(one.name for one in plugins.installed())

    with pytest.raises(UsageError, match=f"There are: {', '.join(names)}"):
        plugins.connector("zzzzzzzz")


def test_a_connector_that_cannot_be_imported_says_why(tmp_path):
    with (
        package(tmp_path, "tracker-broken", "import no_such_module"),
        pytest.raises(UsageError, match=r"cannot be imported: No module named 'no_such_module'"),
    ):
        plugins.connector("tracker-broken")


def test_an_entry_point_without_a_connector_is_refused(tmp_path):
    with (
        package(tmp_path, "tracker-empty", ""),
        pytest.raises(UsageError, match="gives no connector"),
    ):
        plugins.connector("tracker-empty")


def test_a_name_that_two_packages_claim_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (
        package(tmp_path / "a", "claim-one", "", entry="claimed"),
        package(tmp_path / "b", "claim-two", "", entry="claimed"),
        pytest.raises(UsageError, match="comes with claim-one and with claim-two"),
    ):
        plugins.connector("claimed")


class Told:
    def __init__(self):
        self.heard = []

    @hookimpl
    def prophet_operation_applied(self, remote, ref):
        self.heard.append((remote, ref))

    @hookimpl
    def prophet_job_finished(self, job):
        self.heard.append(job)

    @hookimpl
    def prophet_changeset_integrated(self, records):
        self.heard.append(records)

    @hookimpl
    def prophet_commands(self, app):
        app.append("command")

    @hookimpl
    def prophet_secret(self, scheme, reference):
        return reference.upper() if scheme == "loud" else None


class Failing:
    @hookimpl
    def prophet_operation_applied(self):
        raise RuntimeError("no")

    @hookimpl
    def prophet_secret(self, scheme, reference):
        if scheme == "vault":
            raise UsageError("The vault is closed.")
        if scheme == "bad":
            raise RuntimeError(f"cannot read {reference}")


def test_a_failing_notice_is_logged_and_stops_nothing(caplog):
    told, all_plugins = Told(), plugins.Plugins()
    all_plugins.register(told, "told")
    all_plugins.register(Failing(), "failing")

    all_plugins.applied("rt-main", "create", "ticket", "42")

    assert told.heard == [("rt-main", "42")]
    assert caplog.record_tuples == [
        (
            "prophet_hub.plugins",
            logging.WARNING,
            'The plugin "failing" failed in prophet_operation_applied: no',
        )
    ]


def test_a_plugin_takes_any_subset_of_the_arguments():
    told, app, all_plugins = Told(), [], plugins.Plugins()
    assert not all_plugins.listens
    all_plugins.register(told)

    all_plugins.finished("support", {"exit": 0})
    all_plugins.integrated("name", "jesse", ("a",))
    all_plugins.commands(app)

    assert all_plugins.listens
    assert told.heard == ["support", ("a",)]
    assert app == ["command"]


def test_a_secret_comes_from_the_first_plugin_that_knows_the_scheme():
    all_plugins = plugins.Plugins()
    all_plugins.register(Told())
    all_plugins.register(Failing())

    assert all_plugins.secret("loud", "word") == "WORD"
    assert all_plugins.secret("other", "word") is None
    with pytest.raises(UsageError, match="The vault is closed"):
        all_plugins.secret("vault", "word")


def test_a_failing_secret_plugin_never_shows_what_it_said():
    all_plugins = plugins.Plugins()
    all_plugins.register(Failing())

    with pytest.raises(UsageError) as raised:
        all_plugins.secret("bad", "hunter2")

    assert str(raised.value) == 'The plugin for "bad:" secrets failed (RuntimeError).'


def test_a_plugin_that_cannot_be_imported_is_left_out(tmp_path, caplog):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    good = (
        "from prophet_hub.hookspecs import hookimpl\n@hookimpl\ndef prophet_secret(): return '1'\n"
    )
    with (
        package(tmp_path / "a", "plugin-bad", "import no_such_module", group=PLUGINS),
        package(tmp_path / "b", "plugin-good", good, group=PLUGINS),
    ):
        all_plugins = plugins.Plugins()

    assert all_plugins.secret("any", "") == "1"
    assert 'The plugin "plugin-bad" cannot be imported' in caplog.text


def test_every_hook_is_on_the_page_with_its_signature():
    page = (Path(__file__).parents[2] / "docs/plugins.md").read_text()
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("prophet_")}

    assert set(re.findall(r"^### `(\w+)\(", page, re.MULTILINE)) == set(hooks)
    for name, hook in hooks.items():
        signature = str(inspect.signature(hook)).replace("'", "")
        assert f"### `{name}{signature}`" in page
