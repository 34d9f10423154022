"""Handing mails over to an SMTP server: once each, to all of their recipients or to none.

What is certain is told apart from what is not: before the end of the text nothing was taken; if the
connection breaks after it, nobody knows (RFC 5321, section 4.5.3.2.6).
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from prophet_hub.errors import AuthFailed, ConfigError, Rejected, RemoteError, Transient, Unsure

__all__ = ["Post"]

_SECONDS: Final = 60.0
_PERMANENT: Final = 500
_OK: Final = 250
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SECURITY: Final = ("starttls", "tls", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """An SMTP server, and who we are to it.

    Attributes:
        security: `starttls`, `tls` (from the first byte), or `none`, which sends no password but to
            this very machine.
    """

    remote: str
    host: str
    port: int
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)

    def prove(self) -> None:
        """Connects, logs in and hangs up.

        Raises:
            AuthFailed, Transient, ConfigError: It does not go well.
        """
        with self._session() as session, self._words("did not greet"):
            session.noop()

    def send(self, sender: str, recipients: Sequence[str], mail: bytes) -> None:
        """Hands a mail over.

        Raises:
            Rejected: It is not taken, nor will be.
            Transient: It was not taken; later perhaps.
            Unsure: It may have been taken.
        """
        with self._session() as session:
            with self._words("took no mail"):
                session.ehlo_or_helo_if_needed()
                self._asked(session.mail(sender))
                for recipient in recipients:
                    self._asked(session.rcpt(recipient))
            try:
                code, said = session.data(mail)
            except smtplib.SMTPDataError as error:  # before the text
                self._asked((error.smtp_code, b""))
            except (OSError, smtplib.SMTPException):
                code, said = 0, b""
            if not code:
                raise Unsure(
                    f"{self.host} did not say whether it took the mail.",
                    hint="The next run looks before it sends anything again.",
                    remote=self.remote,
                )
            self._asked((code, said))

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """Yields a session that is ready for mail."""
        if self.security not in _SECURITY:
            raise ConfigError(f"smtp_security is one of {', '.join(_SECURITY)}.")
        if self.password and self.security == "none" and self.host not in _LOOPBACK:
            raise ConfigError(
                "A password is not sent in the clear.", hint="Set smtp_security to starttls or tls."
            )
        with self._words("cannot be reached"):
            session = self._open()
        try:
            with self._words("refused the log-in"):
                if self.security == "starttls":
                    session.starttls(context=ssl.create_default_context())
                if self.user:
                    session.login(self.user, self.password)
            yield session
        finally:
            with suppress(OSError, smtplib.SMTPException):
                session.quit()
            session.close()

    def _open(self) -> smtplib.SMTP:
        if self.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_SECONDS, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=_SECONDS)

    @contextmanager
    def _words(self, what: str) -> Iterator[None]:
        """Puts what goes wrong before a mail's text into the hub's words; no answer is quoted."""
        fault: RemoteError
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            fault = AuthFailed(
                f"{self.host} refused the log-in ({error.smtp_code}).",
                hint=f"Check smtp_user and smtp_password of remote {self.remote}.",
            )
        except (smtplib.SMTPException, OSError) as error:
            fault = Transient(
                f"The mail server {self.host}:{self.port} {what} ({type(error).__name__}).",
                hint=f"Check smtp, smtp_port and smtp_security of remote {self.remote}.",
            )
        else:
            return
        fault.remote = self.remote
        raise fault

    def _asked(self, answer: tuple[int, bytes]) -> None:
        """Goes on if the server said yes."""
        code, said = answer
        if code // 10 == _OK // 10:
            return
        text = " ".join(said.decode("utf-8", "replace").split())[:200]
        kind = Rejected if code >= _PERMANENT else Transient
        raise kind(
            f'{self.host} does not take the mail. It said: "{code} {text}".', remote=self.remote
        )
