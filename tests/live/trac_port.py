"""Makes the plugin TracXMLRPC 1.1.9, written in Python 2, one that Trac 1.6 can load.

    python trac_port.py FOLDER     # the unpacked source, which is changed

`fissix` translates the language; what the libraries have named anew since then is in the tables.
The wiki's half of the plugin is left out: tickets do not need it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

GENSHI = '''\
"""What the plugin takes from genshi, of which Trac keeps its own part."""

from trac.util import html


class builder:
    Fragment = html.Fragment
    Element = html.Element


class core:
    Markup = html.Markup
'''

EVERYWHERE = (
    (r"inspect\.getargspec\(", "inspect.getfullargspec("),
    (r"\blog\.warn\(", "log.warning("),
    (r"(?m)^import genshi$", "from tracrpc import genshi"),
    (r"(?m)^from trac\.util\.compat import (any|set)\n", ""),
)
BY_FILE = {
    "__init__.py": ((r"(?m)^from tracrpc\.wiki import \*\n", ""),),
    "api.py": (
        (
            r"self\.__class__\.__name__, self\.message\)",
            "self.__class__.__name__, self._exc or self.args)",
        ),
    ),
    "json_rpc.py": (
        (r'obj\.data\.encode\("base64"\)', "base64.encodebytes(obj.data).decode()"),
        (r'val\.decode\("base64"\)', "base64.b64decode(val)"),
        (r"return json\.JSONEncoder\(self, obj\)", "return json.JSONEncoder.default(self, obj)"),
        (r"list\(obj\.keys\(\)\) == \['__jsonclass__'\]", "list(obj) == ['__jsonclass__']"),
        (r"(?m)^import datetime$", "import base64\nimport datetime"),
    ),
    "ticket.py": (
        (r"(?m)^from trac\.ticket\.notification import TicketNotifyEmail\n", ""),
        (r"StringIO\(data\.data\)", "BytesIO(data.data)"),
        (r"(?m)^import inspect$", "import inspect\nfrom io import BytesIO"),
        (r"\bt\.time_changed\b", "t['changetime']"),
        (r"\bt\.time_created\b", "t['time']"),
    ),
    "web_ui.py": (
        (r"(?m)^from genshi\.builder import tag$", "from trac.util.html import tag"),
        (r"(?m)^from genshi\.template\..*\n", ""),
        (r"(?m)^from trac\.wiki\.formatter import wiki_to_oneliner\n", ""),
    ),
}
"""What is looked for in a file after the translation, and what stands there from then on."""


def main(folder: Path) -> None:
    """Translates the package in a folder, and leaves out what is not needed."""
    package = folder / "tracrpc"
    for name in ("wiki.py", *(f"tests/{path.name}" for path in (package / "tests").glob("*.py"))):
        (package / name).unlink()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "fissix", "-w", "-n", "--no-diffs", str(package)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for path in package.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for old, new in (*EVERYWHERE, *BY_FILE.get(path.name, ())):
            text = re.sub(old, new.replace("\\", r"\\"), text)
        path.write_text(text, encoding="utf-8")
    (package / "genshi.py").write_text(GENSHI, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
