"""What an environment of Trac needs to be a sandbox; run by the Python that has Trac.

python trac_site.py make FOLDER ZONE     # people, rights, fields
python trac_site.py fill FOLDER COUNT    # tickets with stories; prints their numbers
"""

from __future__ import annotations

import base64
import hashlib
import io
import sys
from pathlib import Path

from trac.attachment import Attachment
from trac.env import Environment
from trac.perm import PermissionSystem
from trac.ticket.model import Severity, Ticket

PASSWORD = b"correct horse"
PEOPLE = ("hub", "jesse", "bob", "eve")
SETTINGS = {
    "components": {"tracrpc.*": "enabled", "tracopt.perm.authz_policy.*": "enabled"},
    "trac": {
        "permission_policies": "AuthzPolicy, DefaultWikiPolicy, DefaultTicketPolicy, "
        "DefaultPermissionPolicy, LegacyAttachmentPolicy",
    },
    "ticket-custom": {"hubid": "text", "hubid.label": "Hub"},
    "logging": {"log_type": "none"},
}


def make(env: Environment, zone: str) -> None:
    """Sets up an environment: `hub` has an ordinary account's rights, `bob` may do everything."""
    home = Path(env.path)
    digest = base64.b64encode(hashlib.sha1(PASSWORD).digest()).decode()
    (home / "htpasswd").write_text("".join(f"{name}:{{SHA}}{digest}\n" for name in PEOPLE))
    (home / "authz").write_text("# whom is shown what\n")
    for section, pairs in SETTINGS.items():
        for name, value in pairs.items():
            env.config.set(section, name, value)
    env.config.set("trac", "default_timezone", zone)
    env.config.set("authz_policy", "authz_file", str(home / "authz"))
    env.config.save()
    rights = PermissionSystem(env)
    for right in ("XML_RPC", "TICKET_EDIT_DESCRIPTION"):
        rights.grant_permission("authenticated", right)
    rights.grant_permission("bob", "TRAC_ADMIN")
    for name in ("bad", "worse"):
        severity = Severity(env)
        severity.name = name
        severity.insert()


def fill(env: Environment, count: int) -> None:
    """Makes tickets, each with a comment or two, some with a file or closed."""
    for n in range(count):
        ticket = Ticket(env)
        ticket["summary"] = f"Ticket {n:03}: größe ☃"
        ticket["description"] = f"Text of '''{n}'''\n\n{{{{{{\ncode\n}}}}}}"
        ticket["reporter"], ticket["status"] = "jesse", "new"
        ticket["owner"] = ("jesse", "bob", "")[n % 3]
        ticket["priority"] = ("blocker", "major", "trivial")[n % 3]
        number = ticket.insert()
        for k in range(n % 3):
            ticket.save_changes("bob", f"Comment {k} of {n} 東京")
        if n % 5 == 0:
            ticket["status"], ticket["resolution"] = "closed", "fixed"
            ticket.save_changes("bob", "")
        if n % 10 == 0:
            file = Attachment(env, "ticket", number)
            file.author = "bob"
            data = bytes(range(256)) * 20
            file.insert("all.bin", io.BytesIO(data), len(data))
        print(number)


if __name__ == "__main__":
    command, folder, argument = sys.argv[1:]
    site = Environment(folder)
    if command == "make":
        make(site, argument)
    else:
        fill(site, int(argument))
    site.shutdown()
