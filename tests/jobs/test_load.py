"""A job file tells all of its faults at once, with line numbers and hints."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from prophet_hub.errors import ConfigError, UsageError
from prophet_hub.jobs import config as models
from prophet_hub.jobs import natives
from prophet_hub.jobs.load import load, parse

ROOT = Path(__file__).parents[2]
JOBS = ROOT / "fixtures/jobs"


def files(folder):
    return [path for path in sorted((JOBS / folder).glob("*.yaml")) if "people.y" not in path.name
            or path.name == "people.yaml"]  # fmt: skip


@pytest.mark.parametrize("path", files("bad"), ids=lambda path: path.stem)
def test_a_bad_file_tells_what_its_last_lines_say(path):
    expected = re.findall(r"^# (\d+: .*)$", path.read_text(), re.MULTILINE)

    with pytest.raises(ConfigError) as raised:
        load(path)

    told = [
        f"{fault.line}: {fault.path + ': ' if fault.path else ''}{fault}"
        for fault in raised.value.faults
    ]
    assert told == [line.replace("{folder}", str(path.parent)) for line in expected]


@pytest.mark.parametrize("path", files("bad"), ids=lambda path: path.stem)
def test_no_fault_repeats_a_secret(path):
    with pytest.raises(ConfigError) as raised:
        load(path)

    said = " ".join(map(str, raised.value.faults))
    assert not re.search("hunter2|s3cr3t", said)


@pytest.mark.parametrize(
    "path", [*files("good"), ROOT / "config/prophet-hub.yaml"], ids=lambda path: path.stem
)
def test_a_good_file_has_no_faults(path):
    assert load(path).config.remotes


def test_words_stay_the_words_they_look_like():
    remote = load(JOBS / "good/words-stay-words.yaml").config.remotes["a"]

    assert remote.values["status"] == {"no": "rejected", "0123": "new", "1.10": "open", "~": "~"}
    assert remote.values["version"] == {"on": "1.10"}


def test_every_key_arrives():
    found = load(JOBS / "good/everything.yaml")
    remote, job = found.config.remotes["a.b-c_1"], found.config.jobs["all"]

    assert remote.model_extra == {"user": "hub", "password": "command:pass show rt"}
    assert remote.fields["severity"] == models.Row(theirs="CF.{Severity}")
    assert remote.fields["estimate"] is None
    assert (job.remotes["b"], job.remotes["c"].direction) == (models.JobRemote(), "push")
    assert job.attachments == models.Attachments(carry=True, limit=10**9)
    assert found.people == {
        "a.b-c_1": {"jesse": "jesse@example.org", "cara": "cara@example.org"},
        "b": {"cara@home.example": "cara@example.org"},
        "c": {},
    }


def test_a_key_is_found_by_its_line():
    found = load(JOBS / "good/everything.yaml")

    assert found.where("remotes", "a.b-c_1", "password") == "everything.yaml, line 17"


def test_a_file_that_is_not_there_names_the_remedy(tmp_path):
    with pytest.raises(UsageError, match=r"There is no job file .* prophet-hub init"):
        load(tmp_path / "none.yaml")


def test_a_file_that_is_no_text_is_a_sentence(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UsageError, match="it is no UTF-8 text"):
        load(tmp_path / "x.yaml")
    with pytest.raises(ConfigError) as raised:
        parse("a: \x00", tmp_path / "x.yaml")
    assert raised.value.faults[0].sentence.startswith("This is no YAML: unacceptable character")


def test_sizes_are_read_with_their_units():
    judged = [models.validate(models.Attachments, {"limit": text})[0]
              for text in ("7", "1 B", "500kB", "20 MB", "1 GB")]  # fmt: skip

    assert [one.limit for one in judged] == [7, 1, 500_000, 20_000_000, 10**9]


def test_the_schema_for_editors_is_the_one_of_the_models():
    written = json.loads((ROOT / "config/prophet-hub.schema.json").read_text())

    assert written == models.schema(), "run: make docs"


def test_every_key_is_on_the_page_of_the_job_file():
    page = (ROOT / "docs/job-file.md").read_text()
    told = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) | set(
        re.findall(r"^## (\w+)$", page, re.MULTILINE)
    )
    kept = {
        key
        for model in (models.Config, models.Remote, models.Row, models.Job, models.JobRemote,
                      models.Attachments, models.Brakes)
        for key in model.model_fields
    } | {field.name for field in dataclasses.fields(natives.Settings)}  # fmt: skip

    assert kept - told == set()
    assert told - kept == set()


def test_every_key_is_in_the_example():
    example = (ROOT / "config/prophet-hub.yaml").read_text()
    seen = set(re.findall(r"\b(\w+):", example))

    assert {*models.Config.model_fields, *models.Job.model_fields} <= seen
