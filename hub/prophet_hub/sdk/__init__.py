"""All that a connector sees: messages, fields, the interface, and shared pieces to compose.

The heavy pieces (`prophet_hub.sdk.http` and what stands on requests) are imported by name, so that
a command that sends nothing does not pay for them.
"""

from prophet_hub.sdk.connector import SPEC, Connector, Context, RemoteSettings, Tally
from prophet_hub.sdk.fields import Field, FieldMap, Kind, change_between, members, single
from prophet_hub.sdk.messages import (
    ATTACHMENT,
    COMMENT,
    LINK,
    TICKET,
    Attachment,
    Checkpoint,
    Comment,
    Create,
    Delete,
    Event,
    FieldChange,
    Gone,
    ListedTicket,
    Operation,
    Person,
    Pull,
    Receipt,
    Ref,
    SetChange,
    Ticket,
    Update,
    Value,
)
from prophet_hub.sdk.promises import Capabilities, History, Schema, SchemaField
from prophet_hub.sdk.references import References

__all__ = [
    "ATTACHMENT",
    "COMMENT",
    "LINK",
    "SPEC",
    "TICKET",
    "Attachment",
    "Capabilities",
    "Checkpoint",
    "Comment",
    "Connector",
    "Context",
    "Create",
    "Delete",
    "Event",
    "Field",
    "FieldChange",
    "FieldMap",
    "Gone",
    "History",
    "Kind",
    "ListedTicket",
    "Operation",
    "Person",
    "Pull",
    "Receipt",
    "Ref",
    "References",
    "RemoteSettings",
    "Schema",
    "SchemaField",
    "SetChange",
    "Tally",
    "Ticket",
    "Update",
    "Value",
    "change_between",
    "members",
    "single",
]
