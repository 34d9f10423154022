"""The SOAP of debbugs: envelopes out of a template, answers as plain texts, lists and dicts.

The server types a value by its looks (Perl's SOAP::Lite): a version `1.10` is told as a float, text
beyond ASCII as base64, a list of one number as an int.  So no type is believed but base64: every
scalar is the text that stands there.  Methods: https://wiki.debian.org/DebbugsSoapInterface and
Debbugs/SOAP.pm.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from prophet_hub.errors import Garbled, NotFound, Rejected, Transient

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from prophet_hub.sdk.http import Answer, Http

__all__ = ["Soap", "decoded", "envelope", "result_of"]

_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_FAULT: Final = 500
"""The status of every fault."""

_ENVELOPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' soapenv:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">'
    '<soapenv:Body><ns:{method} xmlns:ns="Debbugs/SOAP">{args}</ns:{method}></soapenv:Body>'
    "</soapenv:Envelope>"
)


class Soap:
    """The procedures of one server, all of which read.

    Attributes:
        clock: The server's own, as of the latest answer; None if it does not tell.
    """

    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path
        self.clock: datetime | None = None

    def ask(self, method: str, *args: str | int) -> Any:
        """Returns what a procedure returns.

        Raises:
            NotFound: It has no log of that bug.
            Garbled: The answer is none of SOAP.
        """
        headers = {"Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": '"Debbugs/SOAP"'}
        answer = self._http.post(
            self._path,
            body=envelope(method, args),
            headers=headers,
            reading=True,
            passing=frozenset({_FAULT}),
        )
        self.clock = answer.clock
        return result_of(answer)


def envelope(method: str, args: tuple[str | int, ...]) -> bytes:
    """Returns the body of a request."""
    told = "".join(
        f'<arg xsi:type="xsd:{"int" if isinstance(arg, int) else "string"}">'
        f"{escape(str(arg))}</arg>"
        for arg in args
    )
    return _ENVELOPE.format(method=method, args=told).encode()


def result_of(answer: Answer) -> Any:
    """Returns what an answer says.

    Raises:
        NotFound, Rejected, Transient: What its fault says.
        Garbled: It is none of SOAP.
    """
    try:
        root = answer.xml()
    except Garbled:
        if answer.status != _FAULT:
            raise
        root = None
    if root is None:
        raise Transient(f"{answer.remote} failed with {_FAULT}.", hint="Try again later.")
    bodies = [part for part in root if _name(part) == "Body"]
    first = bodies[0][0] if bodies and len(bodies[0]) else None
    if first is None:
        raise Garbled(f"{answer.remote} sent XML that is no SOAP.", remote=answer.remote)
    if _name(first) == "Fault":
        raise _fault(answer.remote, first)
    return decoded(first[0]) if len(first) else ""


def decoded(element: Element) -> Any:
    """Returns a value: a text, a list, or a dict of texts, lists and dicts."""
    kind = element.get(_TYPE, "").rpartition(":")[2]
    if kind == "Map":
        pairs = ({_name(part): decoded(part) for part in item} for item in element)
        return {str(pair["key"]): pair.get("value", "") for pair in pairs if "key" in pair}
    if kind == "Array":
        return [decoded(item) for item in element]
    if len(element):
        return {_name(part): decoded(part) for part in element}
    text = element.text or ""
    if kind in ("base64Binary", "base64"):
        try:
            return base64.b64decode(text).decode("utf-8", "replace")
        except ValueError:
            raise Garbled("The tracker sent text in base64 that is none.") from None
    return text


def _fault(remote: str, fault: Element) -> NotFound | Rejected | Transient:
    told = {_name(part): part.text or "" for part in fault}
    said = re.sub(r"\s+", " ", told.get("faultstring", "")).strip()[:200]
    if "Unable to open" in said and ".log" in said:
        return NotFound(f"{remote} has no log of that bug.")
    if told.get("faultcode", "").endswith("Client"):
        return Rejected(
            f'{remote} does not know what was asked. It said: "{said}".',
            hint=f"Check that `url` of remote {remote} names the CGI folder of a debbugs.",
        )
    return Transient(f'{remote} failed. It said: "{said}".', hint="Try again later.")


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
