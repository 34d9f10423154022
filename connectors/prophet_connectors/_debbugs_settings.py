"""The settings of a debbugs, and what is made of them: a place to read, a way to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from prophet_connectors._debbugs_mail import Known, Sender
from prophet_connectors._debbugs_outbox import Outbox
from prophet_connectors._debbugs_post import Post
from prophet_connectors._debbugs_server import Place, Server, Status
from prophet_connectors._debbugs_spool import Spool
from prophet_connectors._debbugs_words import SEVERITIES
from prophet_connectors._debbugs_writing import Writer
from prophet_hub.errors import ConfigError
from prophet_hub.sdk import Context, RemoteSettings
from prophet_hub.sdk.pace import SYSTEM

__all__ = ["DebbugsSettings", "place_of", "post_of", "writer_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DebbugsSettings(RemoteSettings):
    """A server's CGI folder, or a spool; `query` is `package:emacs severity:grave`."""

    web: str = field(
        default="", metadata={"help": "Where people look at a bug, with {id}; made of `url`."}
    )
    archived: bool = field(default=False, metadata={"help": "List archived bugs, too."})
    mbox: bool = field(
        default=True, metadata={"help": "Read mails with their files; else their texts, by SOAP."}
    )
    history: bool = field(
        default=True, metadata={"help": "Read the changes from a bug's page: one request more."}
    )
    index_lag: int = field(
        default=3600, metadata={"help": "Seconds until a new bug is in the server's indexes."}
    )
    severities: tuple[str, ...] = field(
        default=SEVERITIES, metadata={"help": "The severities of this server."}
    )
    tags: tuple[str, ...] = field(
        default=(), metadata={"help": "More tags than those that Debian and GNU share."}
    )
    usertags: str = field(
        default="", metadata={"help": "The address whose usertags are carried; none if empty."}
    )
    address: str = field(default="", metadata={"help": "The hub's address: who writes."})
    name: str = field(default="", metadata={"help": "The name beside that address."})
    domain: str = field(default="", metadata={"help": "Of the tracker's addresses."})
    smtp: str = field(default="", metadata={"help": "The host that takes mails; none: read only."})
    smtp_port: int = field(default=587, metadata={"help": "Its port."})
    smtp_security: str = field(default="starttls", metadata={"help": "starttls, tls or none."})
    smtp_user: str = field(default="", metadata={"help": "Who logs in there, if anybody."})
    smtp_password: str = field(default="", metadata={"help": "The password.", "secret": True})
    package: str = field(
        default="", metadata={"help": "Of new bugs whose ticket names no component."}
    )
    quiet: bool = field(
        default=False, metadata={"help": "Send reports and comments to nobody but the tracker."}
    )
    wait: int = field(
        default=30, metadata={"help": "Seconds in which a mail should be shown; then, a later run."}
    )
    give_up: int = field(
        default=24, metadata={"help": "Hours after which a mail that never showed is refused."}
    )
    attachment_limit: int = field(
        default=7_000_000, metadata={"help": "In bytes; large mails are dropped."}
    )


def post_of(settings: DebbugsSettings, context: Context) -> Post | None:
    """Returns the mail server, None where nothing is to be written.

    Raises:
        ConfigError: It is not said who writes, or where to.
    """
    if not settings.smtp:
        return None
    if not (settings.address and settings.domain):
        raise ConfigError(
            f"Remote {context.remote} has smtp, but not both address and domain.",
            hint="address is who writes, domain that of the tracker: bugs.example.org.",
        )
    return Post(
        remote=context.remote,
        host=settings.smtp,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password,
    )


def place_of(settings: DebbugsSettings, context: Context) -> Place:
    """Returns where to read: a server, or a spool where `url` is a path.

    Raises:
        ConfigError: A spool cannot tell what is wanted.
    """
    if "://" in settings.url and not settings.url.startswith("file:"):
        return Server.at(settings.url, context, mbox=settings.mbox, archived=settings.archived)
    if settings.usertags:
        raise ConfigError(
            "A spool tells no usertags.", hint="Leave usertags out, or ask the server."
        )
    path = (
        unquote(urlsplit(settings.url).path) if settings.url.startswith("file:") else settings.url
    )
    return Spool(Path(path).expanduser(), settings.archived)


def writer_of(
    settings: DebbugsSettings,
    context: Context,
    place: Place,
    post: Post,
    status: Callable[[str], Status],
) -> Writer:
    """Returns what writes."""
    return Writer(
        place=place,
        post=post,
        sender=Sender(
            address=settings.address,
            name=settings.name,
            domain=settings.domain,
            quiet=settings.quiet,
        ),
        outbox=Outbox(context.folder),
        clock=context.clock or SYSTEM,
        status=status,
        known=Known(tags=settings.tags, severities=settings.severities, user=settings.usertags),
        package=settings.package,
        wait=float(settings.wait),
        give_up=float(settings.give_up),
    )
