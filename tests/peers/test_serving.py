"""The small web server, and what an exchange over HTTP costs: bounded counts of requests and bytes."""

from __future__ import annotations

from contextlib import closing

import pytest
import requests

from peers.flows import Desk
from prophet_hub.errors import HubError, UsageError
from prophet_hub.peers.places import open_place
from prophet_hub.peers.serving import Serving

HEAD = "prophet-hub.json"
SHA = "ab" * 32


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "published"
    for name in (HEAD, f"segments/{SHA}", f"contents/ab/{SHA}", ".lock-00000001", "notes.txt",
                 "segments/x", f"segments/.new-{SHA}", f"other/{SHA}"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"0123456789")
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / f"pages/{SHA}").parent.mkdir()
    (folder / f"pages/{SHA}").symlink_to(tmp_path / "secret")
    return folder


@pytest.fixture
def asked():
    return []


@pytest.fixture
def served(published, asked):
    with Serving(published, seen=asked.append) as serving:
        yield serving


@pytest.fixture
def get(served):
    with requests.Session() as session:
        yield lambda path, **headers: session.get(
            f"{served.url}/{path}", headers={k.replace("_", "-"): v for k, v in headers.items()}
        )


def test_only_files_of_a_published_replica_are_served(get):
    for name in (HEAD, f"segments/{SHA}", f"contents/ab/{SHA}"):
        assert get(name).content == b"0123456789"
    for name in ("", "segments", "segments/", ".lock-00000001", "notes.txt", "segments/x",
                 f"segments/.new-{SHA}", f"other/{SHA}", "../secret", "%2e%2e/secret", f"pages/{SHA}",
                 f"segments/../segments/{SHA}x", f"contents/ab/{SHA}/"):  # fmt: skip
        assert (get(name).status_code, get(name).content) == (404, b""), name


def test_ranges_and_conditions_are_kept(get, asked):
    first = get(HEAD)
    tag = first.headers["ETag"]
    assert (get(HEAD, Range="bytes=3-").status_code, get(HEAD, Range="bytes=3-").content) == (
        206,
        b"3456789",
    )
    assert get(HEAD, Range="bytes=3-5").content == b"345"
    assert get(HEAD, Range="bytes=3-5").headers["Content-Range"] == "bytes 3-5/10"
    assert get(HEAD, Range="bytes=10-").status_code == 416
    assert get(HEAD, Range="bytes=10-").headers["Content-Range"] == "bytes */10"
    assert get(HEAD, Range="lines=1-").content == b"0123456789"
    assert get(HEAD, Range="bytes=3-", If_Range='"old"').content == b"0123456789"
    assert get(HEAD, Range="bytes=3-", If_Range=tag).content == b"3456789"
    assert get(HEAD, If_None_Match=tag).status_code == 304
    assert first.headers["Cache-Control"] == "no-cache"
    assert "immutable" in get(f"segments/{SHA}").headers["Cache-Control"]
    assert asked[0] == ("GET", HEAD, 200, 10)


def test_nothing_can_be_written_over_it(served):
    for method in ("PUT", "POST", "DELETE", "PROPFIND"):
        assert requests.request(method, f"{served.url}/{HEAD}", timeout=5).status_code == 501


def test_a_folder_without_a_published_replica_is_not_served(tmp_path):
    with pytest.raises(UsageError, match="Nothing is published"):
        Serving(tmp_path)


def test_an_address_that_is_taken_is_told(served, published):
    with pytest.raises(HubError, match="cannot be listened at"):
        Serving(published, port=served.port)


def test_an_incremental_pull_fetches_little_more_than_what_is_new(tmp_path, asked):
    """100 new changesets after 2,000: the head, a page and a segment; an idle one asks once."""
    folder = tmp_path / "published"
    with closing(Desk()) as ada, closing(Desk()) as bob:
        with ada.replica.transaction():
            ada.work(2000, word="old")
        ada.push(open_place(str(folder)))
        with (
            Serving(folder, seen=asked.append) as serving,
            closing(open_place(serving.url)) as place,
        ):
            bob.pull(place)
            first = sum(one.sent for one in asked)
            ada.work(98, word="new")
            ada.push(open_place(str(folder)))
            asked.clear()
            assert bob.pull(place).entries == 100
            some = list(asked)
            asked.clear()
            assert bob.pull(place).entries == 0
            idle = list(asked)
        assert bob.shown() == ada.shown()
    new = sum(one.sent for one in some)
    print(f"first {first} B; 100 new: {len(some)} requests, {new} B; "
          f"idle: {len(idle)} requests, {sum(one.sent for one in idle)} B")  # fmt: skip
    assert len(some) <= 4
    assert new < first / 8
    assert len(idle) == 1
    assert idle[0].name == HEAD
    assert idle[0].sent < 2000
