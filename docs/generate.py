"""Writes the generated parts of the documentation anew; tests hold what it writes."""  # noqa: INP001 - a script

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from cli import pages  # noqa: E402 - found by the line above
from house import hurts, killers, matrix  # noqa: E402
from prophet_hub.jobs.config import schema  # noqa: E402


def main() -> None:
    """Writes the help of the commands, the job file's schema, the tables of killers, failures and connectors."""
    matrix.PAGE.write_text(matrix.page(matrix.PAGE.read_text("utf-8")), "utf-8")
    killers.PAGE.write_text(killers.page(), "utf-8")
    hurts.PAGE.write_text(hurts.page(), "utf-8")
    pages.PAGE.write_text(pages.page(pages.PAGE.read_text("utf-8")), "utf-8")
    text = json.dumps(schema(), indent=2, ensure_ascii=False)
    (ROOT / "config/prophet-hub.schema.json").write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    main()
