"""What web servers do wrong, and what comes of it."""

from __future__ import annotations

import pytest

from prophet_hub.errors import HubError, Invalid
from prophet_hub.peers.place import Absent, Unreachable

NAME = "segments/x"
DATA = bytes(range(256)) * 3000


@pytest.fixture
def http(site_of):
    site = site_of("http")
    site.writer().write(NAME, [DATA])
    return site


def test_a_cut_body_goes_on_where_it_broke(http):
    http.app.manners = {"cut:300000"}
    assert b"".join(http.open().pieces(NAME)) == DATA
    assert http.app.headers["HTTP_RANGE"] == "bytes=300000-"
    assert "HTTP_IF_RANGE" in http.app.headers
    assert len(http.line.asked) == 2


def test_a_file_that_changed_under_way_is_not_pieced_together(http):
    pieces = http.open().pieces(NAME)
    http.app.manners = {"cut:300000"}
    first = next(pieces)
    http.writer().write(NAME, [b"another"])
    with pytest.raises(HubError, match="changed while it was read"):
        list(pieces)
    assert DATA.startswith(first)


def test_a_server_without_ranges_sends_more_and_it_is_passed_over(http):
    http.app.manners = {"no ranges"}
    place = http.open()
    assert place.read(NAME, 767_000, limit=1000) == DATA[767_000:]
    assert place.read(NAME, len(DATA), limit=0) == b""


def test_another_part_than_asked_for_is_not_taken(http):
    http.app.manners = {"wrong range"}
    with pytest.raises(Unreachable, match="another part"):
        http.open().read(NAME, 5, limit=len(DATA))


def test_a_server_that_promises_more_than_it_has_is_asked_for_the_rest(http):
    http.app.manners = {"long"}
    assert b"".join(http.open().pieces(NAME)) == DATA
    assert http.app.headers["HTTP_RANGE"] == f"bytes={len(DATA)}-"


def test_a_server_that_promises_less_gives_less(http):
    """Hashes find out."""
    http.app.manners = {"short"}
    assert b"".join(http.open().pieces(NAME)) == DATA[:-1]


def test_nothing_of_what_is_too_long_is_kept(http):
    with pytest.raises(Invalid):
        http.open().read(NAME, limit=1000)
    with pytest.raises(Invalid):
        http.open().read(NAME, 1, limit=1000)


def test_bytes_that_the_server_compressed_are_refused(http):
    http.app.manners = {"gzip"}
    with pytest.raises(HubError, match="compressed"):
        http.open().read(NAME, limit=len(DATA))


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/x",
        "http://10.0.0.1/x",
        "file:///etc/passwd",
        "https://localhost/x",
    ],
)
def test_a_redirect_to_a_private_address_is_not_followed(http, target):
    http.app.manners = {f"redirect:{target}"}
    for ask in (lambda p: p.read(NAME, limit=9), lambda p: p.has(NAME)):
        with pytest.raises(HubError, match="redirects to") as told:
            ask(http.open())
        assert not isinstance(told.value, Unreachable)


def test_a_redirect_in_a_circle_ends(http):
    http.app.manners = {"redirect:/r/again"}
    with pytest.raises(HubError, match="circle"):
        http.open().read(NAME, limit=9)
    assert len(http.line.asked) == 5


@pytest.mark.parametrize(
    ("status", "kind", "times"),
    [(404, Absent, 1), (410, Absent, 1), (401, HubError, 1), (403, HubError, 1), (418, HubError, 1),
     (503, Unreachable, 4), (429, Unreachable, 4)],
)  # fmt: skip
def test_a_status_becomes_an_error_of_the_hub(http, status, kind, times):
    http.app.manners = {f"status:{status}"}
    with pytest.raises(kind):
        http.open().read(NAME, limit=9)
    assert len(http.line.asked) == times


def test_a_server_that_is_not_there_is_unreachable(http):
    http.url = "http://127.0.0.1:1/r"
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1/r cannot be reached"):
        http.open().read(NAME, limit=9)


def test_a_password_goes_to_the_server_and_into_no_message(http):
    http.url = http.url.replace("//", "//ada@")
    place = http.open(secret="open sesame")
    place.read(NAME, limit=len(DATA))
    assert http.app.headers["HTTP_AUTHORIZATION"] == "Basic YWRhOm9wZW4gc2VzYW1l"
    http.app.manners = {"status:403"}
    with pytest.raises(HubError) as told:
        place.read(NAME, limit=9)
    assert "ada@" in str(told.value)
    assert "sesame" not in str(told.value) + place.url
    http.url = http.url.replace("ada@", "")
    http.app.manners.clear()
    http.open(secret="token").read(NAME, limit=len(DATA))
    assert http.app.headers["HTTP_AUTHORIZATION"] == "Bearer token"


def test_one_connection_serves_many_requests(http):
    place = http.open()
    for _ in range(5):
        place.read(NAME, 700_000, limit=100_000)
        place.has(NAME)
    adapter = place._session.get_adapter(place.url)
    (pool,) = [adapter.poolmanager.pools[key] for key in adapter.poolmanager.pools.keys()]  # noqa: SIM118 - no mapping
    assert (pool.num_connections, pool.num_requests) == (1, 10)
