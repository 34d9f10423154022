"""What `Http` sends again, what it refuses, and what it calls things."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
import responses

from prophet_hub.errors import (
    AuthFailed,
    Garbled,
    NotFound,
    RateLimited,
    Rejected,
    RemoteError,
    Stale,
    Transient,
    Unsure,
)
from prophet_hub.sdk import Context
from prophet_hub.sdk.auth import Basic, FormLogin, Token
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.pace import Alarm, ManualClock
from prophet_hub.sdk.upload import FilePart, Multipart, TextPart
from prophet_hub.testing.serve import Served

BASE = "https://tracker.example/base"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def http(clock: ManualClock) -> Iterator[Http]:
    made = Http(BASE, Context(remote="main", clock=clock))
    yield made
    made.close()


class TestAddresses:
    def test_a_path_counts_from_the_base(self, http):
        """With or without a slash before it."""
        assert http.url("a/b") == http.url("/a/b") == f"{BASE}/a/b"

    def test_a_link_of_the_same_host_may_be_followed(self, http):
        """As pages link to one another."""
        assert http.url("https://tracker.example/x?page=2") == "https://tracker.example/x?page=2"

    @pytest.mark.parametrize(
        "url",
        ["https://elsewhere.example/", "http://tracker.example/", "https://tracker.example:1/"],
    )
    def test_a_link_to_another_place_is_refused(self, http, url):
        """Credentials do not leave the host they are for; nothing is sent."""
        with pytest.raises(Rejected, match="outside of itself"):
            http.get(url)

        assert http.requests == 0

    def test_what_is_no_address_is_said_so(self, clock):
        """A job file may hold anything."""
        http = Http("http://", Context(clock=clock))

        with pytest.raises(Rejected, match="no URL"):
            http.get("x")


class TestWords:
    @pytest.mark.parametrize(
        ("method", "status", "kind"),
        [
            ("GET", 400, Rejected),
            ("GET", 401, AuthFailed),
            ("GET", 403, NotFound),
            ("PUT", 403, Rejected),
            ("GET", 404, NotFound),
            ("GET", 410, NotFound),
            ("PUT", 409, Stale),
            ("PUT", 412, Stale),
            ("POST", 422, Rejected),
            ("GET", 429, RateLimited),
            ("GET", 500, Transient),
            ("POST", 500, Unsure),
            ("GET", 501, Rejected),
            ("POST", 501, Rejected),
            ("GET", 503, Transient),
            ("POST", 503, Unsure),
            ("PUT", 504, Unsure),
        ],
    )
    def test_a_status_has_a_word(self, http, wire, method, status, kind):
        """And the error carries status, remote and a sentence that ends."""
        wire.add(method, f"{BASE}/x", status=status, json={"message": "because"})

        with pytest.raises(RemoteError) as caught:
            http.request(method, "x")

        error = caught.value
        assert type(error) is kind
        assert (error.remote, error.status) == ("main", status)
        assert 'It said: "because".' in error.sentence

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ('{"errors": ["a", {"detail": "b"}]}', "a; b"),
            ('{"error": {"message": "deep"}}', "deep"),
            ('{"errorMessages": ["one"], "errors": {}}', "one"),
            ('{"error": {"status": 400, "msg": "no title"}}', "no title"),
            ('"text"', "text"),
            ("[1, 2]", ""),
            (json.dumps({"message": "line\nline\x00" + "x" * 400}), "line line xxx"),
        ],
    )
    def test_the_servers_own_sentence_is_kept(self, http, wire, body, said):
        """In one line, cut short, wherever it stands."""
        wire.add("GET", f"{BASE}/x", status=400, body=body)

        with pytest.raises(Rejected) as caught:
            http.get("x")

        assert said in caught.value.sentence
        assert len(caught.value.sentence) < 300
        assert "\n" not in caught.value.sentence

    def test_plain_text_is_a_sentence_and_a_page_is_none(self, http, wire):
        """Nobody wants HTML in an error."""
        wire.add("GET", f"{BASE}/t", status=400, body="why not", content_type="text/plain")
        wire.add("GET", f"{BASE}/h", status=400, body="<p>why</p>", content_type="text/html")

        with pytest.raises(Rejected, match="why not"):
            http.get("t")
        with pytest.raises(Rejected) as caught:
            http.get("h")
        assert "<p>" not in str(caught.value)

    def test_a_status_may_be_let_through(self, http, wire):
        """Where the caller knows what it means."""
        wire.add("GET", f"{BASE}/x", status=404)

        assert http.get("x", passing=frozenset({404})).status == 404

    def test_an_answer_shows_neither_head_nor_body(self, http, wire):
        """A repr lands in logs."""
        wire.add("GET", f"{BASE}/x", body="secret", headers={"Set-Cookie": "sid=secret"})

        answer = http.get("x")

        assert "secret" not in repr(answer) + repr(http)
        assert (answer.text, answer.cookies) == ("secret", {"sid": "secret"})


class TestBodies:
    def test_json_is_read(self, http, wire):
        """Whatever content type it has: many servers get that wrong."""
        wire.add("GET", f"{BASE}/x", body='{"a": 1}', content_type="text/plain")

        assert http.get("x").json() == {"a": 1}

    @pytest.mark.parametrize(
        ("body", "kind", "said"),
        [
            ('{"a": ', "application/json", "cut short"),
            ("<html>", "text/html", "text/html where JSON was due"),
            ("[" * 100_000, "application/json", "cut short"),
        ],
    )
    def test_what_is_no_json_is_garbled(self, http, wire, body, kind, said):
        """A truncated body, a page for people, a bomb of brackets."""
        wire.add("GET", f"{BASE}/x", body=body, content_type=kind)

        with pytest.raises(Garbled, match=said) as caught:
            http.get("x").json()
        assert caught.value.__context__ is None

    def test_xml_is_read_without_its_tricks(self, http, wire):
        """Entities that grow are refused."""
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
        wire.add("GET", f"{BASE}/x", body="<x><y>1</y></x>", content_type="text/xml")
        wire.add("GET", f"{BASE}/bomb", body=bomb, content_type="text/xml")
        wire.add("GET", f"{BASE}/half", body="<x>", content_type="text/xml")

        assert http.get("x").xml().findtext("y") == "1"
        for path in ("bomb", "half"):
            with pytest.raises(Garbled):
                http.get(path).xml()

    def test_a_long_answer_is_not_held(self, clock, wire):
        """Memory has an end."""
        http = Http(BASE, Context(clock=clock), limit=1000)
        wire.add("GET", f"{BASE}/x", body=b"x" * 100_000)

        with pytest.raises(Garbled, match="more than 1000 bytes"):
            http.get("x")
        http.close()

    def test_json_and_forms_are_sent_as_such(self, http, wire):
        """With their content types."""
        wire.add("POST", f"{BASE}/x")

        http.post("x", json={"ä": 1})
        http.post("x", form={"a": "b c"})
        http.post("x", body=b"raw", headers={"Content-Type": "a/b"})

        sent = [call.request for call in wire.calls]
        kinds = [request.headers["Content-Type"] for request in sent]
        assert kinds == ["application/json", "application/x-www-form-urlencoded", "a/b"]
        assert json.loads(sent[0].body) == {"ä": 1}
        assert (sent[1].body, sent[2].body) == ("a=b+c", b"raw")


class TestAgain:
    def test_a_post_that_only_reads_is_a_read(self, http, wire):
        """As a procedure call that asks: sent again, and a failure of it is no doubt."""
        wire.post(f"{BASE}/rpc", body=requests.ConnectionError("cut"))
        wire.post(f"{BASE}/rpc", json={"n": 1})
        assert http.post("rpc", body=b"{}", reading=True).json() == {"n": 1}
        wire.replace(responses.POST, f"{BASE}/rpc", status=500)
        with pytest.raises(Transient):
            http.post("rpc", body=b"{}", reading=True)
        with pytest.raises(Unsure):
            http.post("rpc", body=b"{}")

    def test_a_read_is_repeated(self, http, wire, clock):
        """After growing pauses, as often as attempts allow."""
        for status in (503, 502, 504):
            wire.add("GET", f"{BASE}/x", status=status)
        wire.add("GET", f"{BASE}/x", body="there")

        assert http.get("x").text == "there"
        assert clock.slept == [0.5, 1.0, 2.0]
        assert http.requests == 4

    def test_a_read_is_given_up(self, http, wire):
        """After four attempts."""
        wire.add("GET", f"{BASE}/x", status=503)

        with pytest.raises(Transient):
            http.get("x")
        assert http.requests == 4

    def test_a_post_is_not_repeated(self, http, wire):
        """Not after 502, 504, 500 or a 503 that does not say when."""
        for status in (500, 502, 503, 504):
            wire.add("POST", f"{BASE}/x", status=status)
            with pytest.raises(Unsure):
                http.post("x")
        assert http.requests == 4

    @pytest.mark.parametrize(
        ("status", "headers"), [(429, {}), (429, {"Retry-After": "2"}), (503, {"Retry-After": "2"})]
    )
    def test_a_post_that_was_not_taken_is_repeated(self, http, wire, clock, status, headers):
        """The server said that it did nothing."""
        wire.add("POST", f"{BASE}/x", status=status, headers=headers)
        wire.add("POST", f"{BASE}/x", status=201)

        assert http.post("x").status == 201
        assert sum(clock.slept) >= (2 if headers else 0.5)

    def test_a_pause_that_is_over_is_none(self, http, wire, clock):
        """A server whose clock is behind is not asked at once, again and again."""
        past = "Thu, 01 Jan 2015 00:00:00 GMT"
        wire.add("GET", f"{BASE}/x", status=429, headers={"Retry-After": past})
        wire.add("GET", f"{BASE}/x", status=200)

        assert http.get("x").status == 200
        assert sum(clock.slept) >= 0.5

    def test_a_put_is_repeated_unless_told_otherwise(self, http, wire):
        """One under a version would meet itself."""
        wire.add("PUT", f"{BASE}/x", status=503)
        wire.add("PUT", f"{BASE}/x", status=200)

        http.put("x")
        wire.replace("PUT", f"{BASE}/x", status=503)
        with pytest.raises(Unsure):
            http.put("x", repeat=False)

    def test_a_long_pause_is_not_waited_for(self, http, wire, clock):
        """The error says until when."""
        wire.add("GET", f"{BASE}/x", status=429, headers={"Retry-After": "3600"})

        with pytest.raises(RateLimited) as caught:
            http.get("x")
        assert caught.value.until == clock.now() + timedelta(hours=1)
        assert clock.slept == []
        assert "2026-01-01 01:00:00 UTC" in caught.value.hint

    def test_an_exhausted_quota_is_a_pause(self, http, wire, clock):
        """GitHub's way: 403 and a reset."""
        reset = str(int(clock.now().timestamp()) + 600)
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
        wire.add("GET", f"{BASE}/x", status=403, headers=headers)

        with pytest.raises(RateLimited) as caught:
            http.get("x")
        assert caught.value.until == clock.now() + timedelta(minutes=10)

    def test_a_pause_holds_all_threads(self, http, wire, clock):
        """A server that limits one request limits the account."""
        wire.add("GET", f"{BASE}/x", status=429, headers={"Retry-After": "5"})
        wire.add("GET", f"{BASE}/x", body="ok")
        http.get("x")

        assert sum(clock.slept) == 5

    @pytest.mark.parametrize(
        ("error", "read", "write"),
        [
            (requests.ConnectionError("Remote end closed"), Transient, Unsure),
            (requests.ReadTimeout("timed out"), Transient, Unsure),
            (requests.ConnectTimeout("timed out"), Transient, Transient),
            (requests.exceptions.SSLError("bad certificate"), Transient, Transient),
            (requests.exceptions.InvalidURL("no"), Rejected, Rejected),
        ],
    )
    def test_no_answer_has_a_word(self, http, wire, error, read, write):
        """A write is unsure unless it never left."""
        for method, kind in (("GET", read), ("POST", write), ("PATCH", write)):
            wire.add(method, f"{BASE}/x", body=error)
            with pytest.raises(RemoteError) as caught:
                http.request(method, "x")
            assert type(caught.value) is kind
            assert caught.value.__context__ is None

    def test_a_post_that_was_unanswered_is_sent_once(self, http, wire):
        """It may have been done."""
        wire.add("POST", f"{BASE}/x", body=requests.ConnectionError("Remote end closed"))

        with pytest.raises(Unsure):
            http.post("x")
        assert http.requests == 1


class TestRedirects:
    def test_a_read_follows_within_the_host(self, http, wire):
        """As browsers do."""
        wire.add("GET", f"{BASE}/x", status=302, headers={"Location": "y"})
        wire.add("GET", f"{BASE}/y", body="there")

        assert http.get("x").text == "there"

    def test_a_circle_ends(self, http, wire):
        """After a few steps."""
        wire.add("GET", f"{BASE}/x", status=302, headers={"Location": "x"})

        with pytest.raises(Garbled, match="circle"):
            http.get("x")

    @pytest.mark.parametrize(
        "target",
        [
            "https://elsewhere.example/",
            "http://tracker.example/base/x",
            "https://169.254.169.254/latest/meta-data",
            "https://127.0.0.1/",
            "file:///etc/passwd",
            "https://tracker.example:8443/",
        ],
    )
    def test_another_place_is_not_asked(self, http, wire, target):
        """Neither unnamed hosts nor private addresses, other ports or out of TLS."""
        wire.add("GET", f"{BASE}/x", status=302, headers={"Location": target})

        with pytest.raises(Rejected, match="another place"):
            http.get("x")
        assert http.requests == 1

    def test_a_named_host_is_asked_without_credentials(self, clock, wire, monkeypatch):
        """Attachments often lie elsewhere; a name that leads inside is refused all the same."""
        http = Http(
            BASE,
            Context(clock=clock),
            auth=Token("sesame"),
            hosts=frozenset({"cdn.example", "inside.example", "lost.example", ".files.example"}),
        )
        public = "93.184.215.14"
        where = {"cdn.example": public, "inside.example": "10.0.0.1", "a.files.example": public}

        def resolve(host, *_):
            if host not in where:
                raise OSError
            return [(2, 1, 6, "", (where[host], 0))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        wire.add("GET", "https://cdn.example/f", body="bytes")
        wire.add("GET", "https://a.files.example/f", body="more")
        for host in ("cdn", "a.files", "files", "inside", "lost"):
            target = f"https://{host}.example/f"
            wire.add("GET", f"{BASE}/{host}", status=302, headers={"Location": target})

        assert http.get("cdn").text == "bytes"
        assert "Authorization" not in wire.calls[-1].request.headers
        assert http.get("a.files").text == "more"
        for host in ("inside", "lost", "files"):
            with pytest.raises(Rejected):
                http.get(host)
        http.close()

    def test_tls_may_be_entered(self, clock, wire):
        """The same host over https is the same host; credentials go along."""
        http = Http("http://tracker.example", Context(clock=clock), auth=Basic("a", "bcd"))
        target = "https://tracker.example/x"
        wire.add("GET", "http://tracker.example/x", status=301, headers={"Location": target})
        wire.add("GET", target, body="there")

        assert http.get("x").text == "there"
        assert "Authorization" in wire.calls[-1].request.headers
        http.close()

    def test_a_write_is_told_of_a_redirect(self, http, wire):
        """Some trackers say by it that all went well."""
        wire.add("POST", f"{BASE}/x", status=302, headers={"Location": "/done"})

        answer = http.post("x")

        assert (answer.status, answer.headers["Location"]) == (302, "/done")


def _login(**words):
    return FormLogin(
        "login",
        {"user": "hub", "pass": "sesame open"},
        accepted=lambda answer: answer.text == "welcome",
        expired=lambda answer: answer.status in (302, 401),
        secrets=("sesame open",),
        **words,
    )


class TestLogin:
    def test_the_form_is_sent_once(self, clock, wire):
        """Its cookie goes with every request."""
        wire.add("POST", f"{BASE}/login", body="welcome", headers={"Set-Cookie": "sid=77; path=/"})
        wire.add("GET", f"{BASE}/x")
        http = Http(BASE, Context(clock=clock), auth=_login(headers={"X": "y"}))
        for _ in range(3):
            http.get("x")

        assert (http.requests, http.logins) == (4, 1)
        assert wire.calls[0].request.headers["X"] == "y"
        assert wire.calls[-1].request.headers["Cookie"] == "sid=77"
        http.close()

    @pytest.mark.parametrize("refusal", [401, 302])
    def test_an_expired_cookie_is_renewed(self, clock, wire, refusal):
        """The request that met it is sent again, a write too: nothing was done."""
        cookies = iter(["1", "2"])
        wire.add_callback(
            "POST",
            f"{BASE}/login",
            lambda _: (200, {"Set-Cookie": f"sid={next(cookies)}"}, "welcome"),
        )
        wire.add_callback(
            "POST",
            f"{BASE}/x",
            lambda r: (200 if r.headers["Cookie"] == "sid=2" else refusal, {"Location": "/l"}, ""),
        )
        http = Http(BASE, Context(clock=clock), auth=_login())

        assert http.post("x").status == 200
        assert http.logins == 2
        http.close()

    @pytest.mark.parametrize(
        ("body", "headers"), [("go away", {"Set-Cookie": "sid=1"}), ("welcome", {})]
    )
    def test_a_refused_form_is_said(self, clock, wire, body, headers):
        """A 200 with bad news, or a welcome without a cookie."""
        wire.add("POST", f"{BASE}/login", body=body, headers=headers)
        http = Http(BASE, Context(remote="main", clock=clock), auth=_login())

        with pytest.raises(AuthFailed, match="main refused the log-in"):
            http.get("x")
        http.close()

    def test_a_login_that_is_sent_elsewhere_is_a_matter_of_the_address(self, clock, wire):
        """Not of the password: plain http where the server wants https."""
        target = "https://tracker.example/base/login"
        wire.add("POST", f"{BASE}/login", status=301, headers={"Location": target})
        http = Http(BASE, Context(remote="main", clock=clock), auth=_login())

        with pytest.raises(Rejected, match=r"another place\. Check `url`"):
            http.get("x")
        http.close()

    def test_a_login_page_that_fails_is_transient(self, clock, wire):
        """It is no reason to doubt the password."""
        wire.add("POST", f"{BASE}/login", status=503)
        http = Http(BASE, Context(clock=clock), auth=_login())

        with pytest.raises(Transient):
            http.get("x")
        http.close()

    def test_a_late_refusal_keeps_the_new_cookie(self, clock, wire):
        """Two threads meet the same expired cookie: one logs in."""
        wire.add("POST", f"{BASE}/login", body="welcome", headers={"Set-Cookie": "sid=1"})
        wire.add("GET", f"{BASE}/x", status=401)
        auth = _login()
        http = Http(BASE, Context(clock=clock), auth=auth)
        sent = auth.headers(http)

        refused = http.get("x", passing=frozenset({401}))
        assert auth.renew(refused, {"Cookie": "sid=0"})
        assert auth.headers(http) == sent
        http.close()

    def test_fixed_credentials_are_not_renewed(self, clock, wire):
        """Basic and tokens go along at once, and a refusal is final."""
        for auth, header in (
            (Basic("hub", "sesame"), "Basic aHViOnNlc2FtZQ=="),
            (Token("sesame", word="token"), "token sesame"),
        ):
            wire.add("GET", f"{BASE}/x", status=401)
            http = Http(BASE, Context(clock=clock), auth=auth)
            with pytest.raises(AuthFailed):
                http.get("x")
            assert http.requests == 1
            assert wire.calls[-1].request.headers["Authorization"] == header
            http.close()
            wire.calls.reset()


class TestSecrets:
    def test_no_error_shows_one(self, clock, wire):
        """Not even where the server echoes it, plain or quoted."""
        auth = Basic("hub", "sesame & open")
        http = Http(BASE, Context(clock=clock), auth=auth, secrets=["url-key"])
        echo = "sesame & open, sesame+%26+open, sesame%20%26%20open, url-key"
        wire.add("GET", f"{BASE}/x", status=400, json={"message": echo})

        with pytest.raises(Rejected) as caught:
            http.get("x", params={"key": "url-key"})
        shown = f"{caught.value} {vars(caught.value)!r}"
        assert "sesame" not in shown
        assert "url-key" not in shown
        http.close()

    def test_a_short_one_does_not_garble_the_rest(self, clock):
        """A password of two letters would blank out half of every sentence."""
        http = Http(BASE, Context(clock=clock), secrets=["in"])

        assert http.scrub("in the beginning") == "in the beginning"


class TestLoopback:
    """On real sockets."""

    def test_connections_are_kept(self, clock):
        """Twenty requests of one thread need one connection."""
        ports = set()

        def app(environ, start):
            start("200 OK", [])
            return [b"ok"]

        with Served(app) as url:
            http = Http(url, Context(clock=clock))
            for _ in range(20):
                http.get("x")
            assert len(http._free) == 1
            http.close()
            http.close()
        assert ports == set()

    def test_threads_do_not_share_a_session(self, clock):
        """Each gets its own answer."""
        together = threading.Barrier(4, timeout=5)

        def app(environ, start):
            together.wait()
            start("200 OK", [])
            return [environ["PATH_INFO"].encode()]

        with Served(app) as url:
            http = Http(url, Context(clock=clock))
            got = {}
            threads = [
                threading.Thread(target=lambda n=n: got.update({n: http.get(f"p{n}").text}))
                for n in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert got == {n: f"/p{n}" for n in range(4)}
            assert http.requests == 4
            http.close()

    def test_a_truncated_answer_is_not_taken(self, clock):
        """Fewer bytes than announced: a read is garbled, a write is unsure."""

        def app(environ, start):
            start("200 OK", [("Content-Length", "100")])
            return [b"half"]

        with Served(app) as url:
            http = Http(url, Context(clock=clock))
            with pytest.raises(Garbled, match="broke off"):
                http.get("x")
            assert http.requests == 4
            with pytest.raises(Unsure):
                http.post("x")
            with pytest.raises(Garbled, match="broke off"):
                list(http.stream("x"))
            http.close()

    def test_a_slow_server_is_not_waited_for(self, clock):
        """A read is transient, a write is unsure."""
        wait = threading.Event()

        def app(environ, start):
            wait.wait(5)
            start("200 OK", [])
            return [b"late"]

        with Served(app) as url:
            http = Http(url, Context(clock=clock), timeout=0.05, attempts=1)
            with pytest.raises(Transient, match="did not answer"):
                http.get("x")
            with pytest.raises(Unsure):
                http.post("x")
            wait.set()
            http.close()

    def test_nobody_at_home(self, clock):
        """The sentence names the address; all attempts are made."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        http = Http(f"http://127.0.0.1:{port}", Context(remote="main", clock=clock))

        with pytest.raises(Transient, match=f"main cannot be reached at 127.0.0.1:{port}"):
            http.post("x")
        assert http.requests == 4
        http.close()

    def test_files_pass_in_pieces(self, clock):
        """Down and up, of a length known before."""
        data = bytes(range(256)) * 1000
        got = []

        def app(environ, start):
            if environ["REQUEST_METHOD"] == "POST":
                got.append((environ["CONTENT_LENGTH"], environ["wsgi.input"].read()))
            start("200 OK", [("Content-Length", str(len(data)))])
            return [data[n : n + 9999] for n in range(0, len(data), 9999)]

        def pieces():
            return (data[n : n + 4096] for n in range(0, len(data), 4096))

        form = Multipart(
            [
                TextPart(name="JSON", text="{}"),
                FilePart(
                    name="f", filename='a"b\r\n.bin', content_type="a/b\r\nX: y", size=len(data),
                    content=pieces,
                ),
            ]
        )  # fmt: skip
        with Served(app) as url:
            http = Http(url, Context(clock=clock))
            assert b"".join(http.stream("x")) == data
            with pytest.raises(Garbled, match="longer than the 100 bytes"):
                list(http.stream("x", limit=100))
            half = http.stream("x")
            next(half)
            half.close()
            http.post("x", body=lambda: form, headers={"Content-Type": form.content_type})
            http.close()
        length, body = got[0]
        assert int(length) == len(body) == len(form)
        assert data in body
        assert b'filename="a%22b%0D%0A.bin"\r\nContent-Type: a/bX: y\r\n\r\n' in body

    def test_a_file_that_is_not_there_is_an_error(self, clock):
        """Not an empty stream."""

        def app(environ, start):
            start("404 Not Found", [])
            return [b""]

        with Served(app) as url:
            http = Http(url, Context(clock=clock))
            with pytest.raises(NotFound):
                list(http.stream("x"))
            http.close()

    @pytest.mark.parametrize("size", [1, 100])
    def test_a_file_of_another_size_is_not_sent(self, size):
        """Its bytes would break the form around it."""
        part = FilePart(
            name="f", filename="f", content_type="", size=size, content=lambda: iter([b"four"])
        )

        with pytest.raises(Rejected, match="announced"):
            b"".join(Multipart([part]))


def test_a_given_session_is_used(clock, wire):
    """As tests do."""
    wire.add("GET", f"{BASE}/x")
    with requests.Session() as session:
        session.headers["X-Mine"] = "yes"
        http = Http(BASE, Context(clock=clock, session=session))
        http.get("x")
        http.close()

    assert wire.calls[0].request.headers["X-Mine"] == "yes"


def test_importing_costs_no_requests():
    """A command that sends nothing does not pay for it."""
    import subprocess  # noqa: PLC0415 - for this test alone
    import sys  # noqa: PLC0415

    code = "import sys, prophet_hub.sdk.http; sys.exit('requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_environments_proxy_is_asked_and_looked_up_once(monkeypatch):
    def proxy(environ, start):
        start("200 OK", [])
        return [b"by proxy"]

    looked_up = []
    real = requests.utils.getproxies
    monkeypatch.setattr("requests.utils.getproxies", lambda: looked_up.append(1) or real())
    with Served(proxy) as url:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("no_proxy", "")
        http = Http("http://tracker.example", Context())
        assert [http.get(path).text for path in "ab"] == ["by proxy"] * 2
        http.close()
    assert len(looked_up) == 1


class TestLimits:
    """A server that wants a pause is left alone, by every thread."""

    def test_nothing_is_sent_during_a_pause_that_nobody_waits_for(self, http, wire):
        """Some servers ban whoever asks on."""
        wire.add("GET", f"{BASE}/x", status=429, headers={"Retry-After": "3600"})
        for _ in range(5):
            with pytest.raises(RateLimited) as caught:
                http.get("x")

        assert http.requests == 1
        assert "01:00:00 UTC" in caught.value.hint

    def test_a_long_pause_of_a_503_is_that_of_its_question(self, http, wire):
        """A server gives up on a large page, and answers a smaller one at once."""
        wire.add("GET", f"{BASE}/large", status=503, headers={"Retry-After": "900"})
        wire.add("GET", f"{BASE}/small", body="ok")
        with pytest.raises(RateLimited):
            http.get("large")

        assert http.get("small").text == "ok"
        assert http.requests == 2

    def test_after_the_pause_it_is_asked_again(self, http, wire, clock):
        wire.add("GET", f"{BASE}/x", status=429, headers={"Retry-After": "3600"})
        wire.add("GET", f"{BASE}/x", body="ok")
        with pytest.raises(RateLimited):
            http.get("x")
        clock.sleep(3600)

        assert http.get("x").text == "ok"

    def test_whoever_says_that_nothing_is_left_is_not_asked_until_there_is(self, http, wire, clock):
        """So that there is no refusal at all."""
        told = {"X-RateLimit-Limit": "9", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "20"}
        wire.add("GET", f"{BASE}/x", body="ok", headers=told)
        http.get("x")
        http.get("x")

        assert clock.slept == [20]

    def test_its_limit_is_learnt(self, http, wire, clock):
        told = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59", "X-RateLimit-Reset": "58"}
        wire.add("GET", f"{BASE}/x", body="ok", headers=told)
        http.get("x")

        limit = http.pace.pace().limit
        assert (limit.requests, limit.window, limit.left) == (60, 60, 59)

    def test_a_context_may_be_more_patient(self, wire, clock):
        wire.add("GET", f"{BASE}/x", status=429, headers={"Retry-After": "3600"})
        wire.add("GET", f"{BASE}/x", body="ok")
        http = Http(BASE, Context(remote="r", clock=clock, patience=7200))

        assert http.get("x").text == "ok"
        assert clock.monotonic() == 3600

    def test_who_waits_is_woken_when_the_work_ends(self, wire, clock):
        """And nothing more is sent."""
        wire.add("GET", f"{BASE}/x", status=429, headers={"Retry-After": "3600"})
        alarm = Alarm(clock)
        http = Http(BASE, Context(remote="r", clock=alarm, patience=7200))
        clock.sleep = lambda seconds: alarm.ring()

        for _ in range(2):
            with pytest.raises(RateLimited):
                http.get("x")
        assert http.requests == 1

    def test_a_write_whose_answer_was_lost_stays_unsure_when_it_is_woken(self, wire, clock):
        """It may have been done."""
        wire.add("PUT", f"{BASE}/x", body=requests.ReadTimeout("timed out"))
        alarm = Alarm(clock)
        http = Http(BASE, Context(remote="r", clock=alarm))
        alarm.ring()

        with pytest.raises(Unsure):
            http.put("x")
        assert http.requests == 1
