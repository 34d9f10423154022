"""Issues with messages and files, written into a tracker's database by Roundup itself.

Run by the Python that has Roundup: `roundup_fill.py TRACKER COUNT` prints the numbers made.
"""

from __future__ import annotations

import random
import sys

from roundup import date, instance

PRIORITIES = ("critical", "urgent", "bug", "feature", "wish")
STATUSES = ("unread", "chatting", "in-progress", "deferred", "resolved")


def main(tracker: str, count: int) -> None:
    """Writes in one transaction, without the mail that a message brings."""
    db = instance.open(tracker).open("admin")
    db.config["MAIL_DEBUG"] = "/dev/null"
    people = [db.user.lookup(name) for name in ("bob", "jesse", "eve")]
    for n in range(count):
        rnd = random.Random(n)
        texts = [f"Text of {n}\n\nin two parts"]
        texts += [f"Comment {k} of {n} 東京" for k in range(rnd.randint(0, 3))]
        messages = [
            db.msg.create(content=text, author=rnd.choice(people), date=date.Date("."))
            for text in texts
        ]
        files = [
            db.file.create(name="all.bin", type="application/x-thing", content=bytes(range(256)) * 20)
        ] if n % 10 == 0 else []  # fmt: skip
        made = db.issue.create(
            title=f"Ticket {n:03}: größe ☃ {rnd.choice(('crash', 'login', 'mail'))}",
            messages=messages[:1],
            files=files,
            priority=db.priority.lookup(rnd.choice(PRIORITIES)),
            status=db.status.lookup(rnd.choice(STATUSES)),
            assignedto=rnd.choice([*people, None]),
        )
        if messages[1:]:
            db.issue.set(made, messages=messages)
        print(made)
    db.commit()
    db.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
