"""The old tool in small: its way of merging, and its files, written from the format's description."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import struct
import uuid
from pathlib import Path

from prophet_hub.errors import HubError, Invalid

SOURCE, TARGET = "from", "to"


class Folder:
    """Files in a folder, as a place offers them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.reads = 0

    def has(self, name):
        return (self.root / name).is_file()

    def read(self, name, start=0, *, limit):
        self.reads += 1
        try:
            data = (self.root / name).read_bytes()[start:]
        except FileNotFoundError as error:
            raise HubError(f"{name} is not there.") from error
        if len(data) > limit:
            raise Invalid(f"{name} is larger than {limit:,} bytes.")
        return data

    def write(self, name, pieces):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(pieces))

    def names(self, folder=""):
        found = sorted((self.root / folder).rglob("*"))
        return (str(one.relative_to(self.root)) for one in found if one.is_file())

    def remove(self, name):
        (self.root / name).unlink()

    def lock(self, holder):
        return contextlib.nullcontext()


def typed(text: str) -> str:
    """Returns a text as a command line gave it to the old tool: every byte a character."""
    return text.encode().decode("latin-1")


class Old:
    """A replica that merges as the old tool does, surprises included."""

    def __init__(self, number: int, database: str = "d" * 8) -> None:
        self.uuid = str(uuid.UUID(int=(0xAA << 120) + number))
        self.database = str(uuid.uuid5(uuid.NAMESPACE_DNS, database))
        self.state: dict[str, tuple[str, dict[str, str]]] = {}
        self.log: list[dict] = []
        self.marks: dict[str, int] = {}

    # --- local edits ---

    def create(self, record, kind="ticket", **props):
        self._commit({record: self._change("add_file", kind, {}, props)})

    def update(self, record, **props):
        kind, old = self.state[record]
        self._commit({record: self._change("update_file", kind, old, props)})

    def delete(self, record):
        kind, _ = self.state[record]
        self._commit({record: self._change("delete", kind, {}, {})})

    @staticmethod
    def _change(verb, kind, old, new):
        props = {n: {"old_value": old.get(n), "new_value": v} for n, v in new.items()}
        return {"change_type": verb, "record_type": kind, "prop_changes": props}

    # --- the log ---

    def _commit(self, changes, *, origin=None, nullification=None, resolution=None):
        number = len(self.log) + 1
        source, sequence, created, creator = origin or (self.uuid, number, _clock(number), "me@x")
        stored = {}
        for record, change in changes.items():
            stored[record] = self._apply(record, change)
        self.log.append({
            "changes": stored, "created": created, "creator": creator,
            "is_nullification": nullification, "is_resolution": resolution,
            "original_sequence_no": sequence, "original_source_uuid": source,
        })  # fmt: skip

    def _apply(self, record, change):
        """Returns the change as it is stored: rebuilt from applying it here."""
        verb, kind = change["change_type"], change["record_type"]
        if verb == "delete":
            self.state.pop(record, None)
            return {"change_type": verb, "record_type": kind, "prop_changes": {}}
        fresh = record not in self.state
        _, now = self.state.setdefault(record, (kind, {}))
        props = {}
        for name, one in change["prop_changes"].items():
            new = one["new_value"]
            if fresh and not new:
                continue
            props[name] = {"old_value": now.get(name), "new_value": new}
            if new:
                now[name] = new
            else:
                now.pop(name, None)
        verb = "add_file" if fresh else "update_file"
        return {"change_type": verb, "record_type": kind, "prop_changes": props}

    # --- merging ---

    def pull(self, source, prefer):
        """Takes what is new in another replica, as its `merge` does."""
        for number in range(self.marks.get(source.uuid, 0) + 1, len(source.log) + 1):
            one = copy.deepcopy(source.log[number - 1])
            identity = one["original_source_uuid"], one["original_sequence_no"]
            seen = identity[0] == self.uuid or self.marks.get(identity[0], 0) >= identity[1]
            accepted = one["changes"] and not (one["is_nullification"] or one["is_resolution"])
            if not seen and accepted:
                self._integrate(one, prefer)
            for who, far in (identity, (source.uuid, number)):
                if who != self.uuid:
                    self.marks[who] = max(self.marks.get(who, 0), far)

    def _integrate(self, one, prefer):
        origin = (one["original_source_uuid"], one["original_sequence_no"], one["created"],
                  one["creator"])  # fmt: skip
        nullified, resolved = {}, {}
        for record, change in one["changes"].items():
            found = self._conflict(record, change)
            if found is None:
                continue
            verb, props = found
            nullified[record] = {
                "change_type": verb, "record_type": change["record_type"],
                "prop_changes": {
                    n: {"old_value": target, "new_value": old} for n, old, target, _ in props
                },
            }  # fmt: skip
            same = all((target or "") == (new or "") for _, _, target, new in props)
            if props and not same and prefer == TARGET:
                resolved[record] = {
                    "change_type": "update_file", "record_type": change["record_type"],
                    "prop_changes": {
                        n: {"old_value": new, "new_value": target} for n, _, target, new in props
                    },
                }  # fmt: skip
        if nullified:
            self._commit(nullified, nullification=1)
        self._commit(one["changes"], origin=origin)
        if resolved:
            self._commit(resolved, resolution=1)

    def _conflict(self, record, change):
        """Returns (verb of the nullification, conflicting properties), None if there is none."""
        verb = change["change_type"]
        if record not in self.state:
            return None if verb == "add_file" else ("add_file", [])
        if verb == "delete":
            return None
        _, now = self.state[record]
        props = []
        for name, one in change["prop_changes"].items():
            old, new, here = one["old_value"], one["new_value"], now.get(name)
            if here is None and not old:
                continue
            if bool(old) != (here is not None) or (old or "") != (here or ""):
                props.append((name, old, here, new))
        return ("update_file", props) if props else None

    # --- files ---

    def write(self, root: Path, *, twice=False) -> Folder:
        """Writes the replica as it publishes itself; `twice` is its defect of an index doubled."""
        folder = Folder(root)
        index = b""
        for number, one in enumerate(self.log, 1):
            raw = _json({**one, "original_sequence_no": str(one["original_sequence_no"])})
            key = hashlib.sha1(raw).hexdigest()
            folder.write(f"cas/changesets/{key[0]}/{key[1]}/{key}", [raw])
            index += struct.pack(
                ">I16sI20s", number, uuid.UUID(one["original_source_uuid"]).bytes,
                one["original_sequence_no"], bytes.fromhex(key),
            )  # fmt: skip
        if index:
            folder.write("changesets.idx", [index * (2 if twice else 1)])
        for name, words in (
            ("database-uuid", self.database), ("replica-uuid", self.uuid),
            ("replica-version", "1"), ("latest-sequence-no", str(len(self.log))),
        ):  # fmt: skip
            folder.write(name, [words.encode()])
        return folder


def read(folder: Folder) -> Old:
    """Returns what stands in a folder as a replica that can be pulled from."""
    found = Old(0)
    found.uuid = (folder.root / "replica-uuid").read_text()
    found.database = (folder.root / "database-uuid").read_text()
    index = (folder.root / "changesets.idx").read_bytes()
    for n, source, sequence, sha1 in struct.iter_unpack(">I16sI20s", index):
        key = sha1.hex()
        raw = (folder.root / f"cas/changesets/{key[0]}/{key[1]}/{key}").read_bytes()
        one = json.loads(raw)
        assert (hashlib.sha1(raw).hexdigest(), _json(one), n) == (key, raw, len(found.log) + 1)
        one |= {"original_source_uuid": str(uuid.UUID(bytes=source)),
                "original_sequence_no": sequence}  # fmt: skip
        found.log.append(one)
    assert (folder.root / "latest-sequence-no").read_text() == str(len(found.log))
    return found


def _json(value) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _clock(number):
    return f"2010-06-{number // 1440 + 1:02} {number // 60 % 24:02}:{number % 60:02}:00"
