"""F33: whatever a tracker answers, nobody is asked in its place, and nobody is told the token."""

from __future__ import annotations

import contextlib
import socket
from unittest import mock

import pytest
import responses

from prophet_hub.errors import Rejected
from prophet_hub.sdk import Context
from prophet_hub.sdk.auth import Token
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.pace import ManualClock

HOME = "https://tracker.example"
FILES = frozenset({"files.example", "inside.example", "local.example", "link.example"})
WHERE = {
    "tracker.example": "93.184.215.14",
    "files.example": "93.184.215.15",
    "elsewhere.example": "93.184.215.16",
    "inside.example": "10.0.0.1",
    "local.example": "127.0.0.1",
    "link.example": "169.254.169.254",
}
REFUSED = {
    "an address of this machine": "https://127.0.0.1:6379/",
    "an address of this machine, in the new form": "https://[::1]/",
    "a cloud's own address": "https://169.254.169.254/latest/meta-data/",
    "a host that nobody named": "https://elsewhere.example/f",
    "a name of a private address": "https://inside.example/f",
    "a name of this machine": "https://local.example/f",
    "a name of a cloud's own address": "https://link.example/f",
    "a host without TLS": "http://files.example/f",
    "another port": "https://tracker.example:8443/f",
    "a file": "file:///etc/passwd",
    "another scheme": "gopher://files.example/f",
}


@pytest.mark.parametrize("kind", ["answer", "attachment"])
@pytest.mark.parametrize("how", ["redirect", "link"])
def test_no_answer_leads_to_another_place_nor_the_token_away(how, kind):
    def resolved(host, *_):
        return [(2, 1, 6, "", (WHERE.get(host, host), 0))]

    http = Http(HOME, Context(clock=ManualClock()), auth=Token("sesame"), hosts=FILES)

    def read(path):
        return b"".join(http.stream(path)) if kind == "attachment" else http.get(path).body

    with (
        mock.patch.object(socket, "getaddrinfo", resolved),
        responses.RequestsMock(assert_all_requests_are_fired=False) as wire,
    ):
        for n, target in enumerate((*REFUSED.values(), "https://files.example/f")):
            wire.add("GET", f"{HOME}/{n}", status=302, headers={"Location": target})
            if target.startswith("http"):
                wire.add("GET", target, body=b"bytes")
        for n, (what, target) in enumerate(REFUSED.items()):
            with contextlib.suppress(Rejected):
                read(f"/{n}" if how == "redirect" else target)
            asked = [call.request.url for call in wire.calls]
            assert all(url.startswith(f"{HOME}/") for url in asked), f"{what} was asked"
        if how == "redirect":
            assert read(f"/{len(REFUSED)}") == b"bytes"
            away = [c.request for c in wire.calls if "files.example" in str(c.request.url)]
            assert away, "what was named is asked"
            assert not any("sesame" in str(one.headers) for one in away), "the token went along"
    http.close()
