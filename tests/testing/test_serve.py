"""Served applications and faults on command."""

import io
import json
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
import requests

from prophet_hub.testing.faults import Fault, Faulty, What
from prophet_hub.testing.serve import Served, call, main, within


def app(environ, start_response):
    body = environ["wsgi.input"].read()
    answer = json.dumps(
        {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"].encode("latin-1").decode(),
            "query": environ["QUERY_STRING"],
            "body": body.decode(),
            "agent": environ.get("HTTP_X_AGENT", ""),
        }
    ).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [answer]


def make_app(**words):
    return app


@pytest.fixture(params=["port", "within"])
def place(request):
    faulty = Faulty(app, remembers=True)
    served = Served(faulty) if request.param == "port" else within(faulty)
    with served as url, requests.Session() as session:
        yield faulty, url, session


def test_requests_arrive_whole_and_the_connection_is_kept(place):
    faulty, url, session = place
    for n in range(3):
        got = session.post(f"{url}/a/ü?q=1", data="x" * n, headers={"X-Agent": "me"}, timeout=5)
        assert got.json() == {
            "method": "POST",
            "path": "/a/ü",
            "query": "q=1",
            "body": "x" * n,
            "agent": "me",
        }
    assert faulty.requests == 3


def test_a_body_in_pieces_arrives(place):
    _, url, session = place
    got = session.put(f"{url}/a", data=iter([b"one", b"two"]), timeout=5)
    assert got.json()["body"] == "onetwo"


def test_faults_hit_the_nth_request_that_fits(place):
    faulty, url, session = place
    fault = faulty.script.add(
        Fault(what=What.LIMITED, method="GET", path="^/b", nth=2, retry_after="7")
    )
    told = [session.get(f"{url}/{p}", timeout=5).status_code for p in ("b", "a", "b", "b")]
    assert told == [200, 200, 429, 200]
    assert (fault.seen, fault.hits) == (3, 1)


def test_every_fault_does_what_it_says(place):
    faulty, url, session = place

    def get():
        return session.get(f"{url}/x", timeout=5)

    first = get().text
    faulty.script.add(Fault(what=What.STATUS, status=502))
    assert get().status_code == 502
    faulty.script.clear()
    for what in (What.CUT, What.LOST):
        faulty.script.add(Fault(what=what))
        with pytest.raises(requests.ConnectionError):
            get()
        faulty.script.clear()
    faulty.script.add(Fault(what=What.GARBLED))
    assert get().text.startswith("<html>")
    faulty.script.clear()
    faulty.script.add(Fault(what=What.TRUNCATED))
    with pytest.raises(requests.RequestException):
        get().json()
    faulty.script.clear()
    waited, acted = [], []
    faulty.sleep = waited.append
    faulty.script.add(Fault(what=What.SLOW, seconds=3))
    assert get().text == first
    faulty.script.add(Fault(what=What.STRANGER, act=lambda: acted.append(1)))
    get()
    faulty.script.clear()
    faulty.script.add(Fault(what=What.STALE))
    assert get().text == first
    assert (waited, acted) == ([3], [1])


def test_a_stale_read_is_answered_as_before():
    told = iter(range(9))

    def counter(environ, start_response):
        start_response("200 OK", [("Date", "Fri, 20 Nov 2026 10:00:00 GMT")])
        return [str(next(told)).encode()]

    faulty = Faulty(counter, remembers=True)
    assert [call(faulty, "GET", "/a")[2] for _ in range(2)] == [b"0", b"1"]
    faulty.script.add(Fault(what=What.STALE))
    assert [call(faulty, "GET", "/a")[2] for _ in range(2)] == [b"1", b"2"]
    faulty.script.clear()
    faulty.script.add(Fault(what=What.REPEATED, times=None))
    assert [call(faulty, "GET", f"/b?page={n}")[2] for n in range(3)] == [b"3"] * 3
    assert call(faulty, "GET", "/c")[2] == b"4"
    faulty.script.clear()
    faulty.script.add(Fault(what=What.SKEWED, seconds=3600))
    assert call(faulty, "GET", "/a")[1] == [("Date", "Fri, 20 Nov 2026 11:00:00 GMT")]


def test_an_answer_that_is_streamed_and_one_without_a_body():
    def streamed(environ, start_response):
        start_response("200 OK", [("Content-Length", "6")])
        yield b"abc"
        yield b"def"

    with Served(streamed) as url, requests.Session() as session:
        assert session.get(url, timeout=5).content == b"abcdef"
        assert session.head(url, timeout=5).content == b""


def test_the_command_prints_where_it_serves(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    main([f"{__name__}:make_app", "--json", '{"n": 1}'])
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")


def test_a_client_that_stays_does_not_hold_up_the_end():
    served = Served(app)
    with served as url, requests.Session() as session:
        assert session.get(url, timeout=5).status_code == 200
        began = time.monotonic()
        served.close()
        assert time.monotonic() - began < 2
    served.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 10\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\na\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
)
def test_half_a_request_does_nothing(sent):
    """Its sender was killed in the middle of it: a real server would not act on that either."""
    acted = []

    def acting(environ, start_response):
        acted.append(environ["wsgi.input"].read())
        return app(environ, start_response)

    with Served(acting) as url:
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port), timeout=5) as line:
            line.sendall(b"POST / HTTP/1.1\r\nHost: here\r\n" + sent)
            line.shutdown(socket.SHUT_WR)
            assert line.recv(100) == b""
    assert acted == []


def test_an_application_that_fails_is_told_of(capsys):
    def failing(environ, start_response):
        raise ValueError("a fault of the fake")

    with Served(failing) as url, pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    assert "a fault of the fake" in capsys.readouterr().err


def test_an_answer_is_closed():
    closed = []

    class Body(list):
        def close(self):
            closed.append(True)

    def careful(environ, start_response):
        start_response("200 OK", [])
        return Body([b"abc"])

    with Served(Faulty(careful, remembers=True)) as url:
        assert requests.get(url, timeout=5).content == b"abc"
        assert requests.post(url, timeout=5).content == b"abc"
    assert call(careful, "GET", "/")[2] == b"abc"
    assert closed == [True] * 3


def test_a_fake_runs_in_a_process_of_its_own():
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from prophet_hub.testing.serve import main; main()"
    folder = __file__.rpartition("/")[0]
    command = [sys.executable, "-c", code, folder, "test_serve:make_app", "--json", '{"n": 1}']
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as fake:
        url = fake.stdout.readline().strip()
        assert requests.get(url + "/x", timeout=5).json()["path"] == "/x"
        fake.stdin.close()
        assert fake.wait(10) == 0
