"""The pages about the test kit say what there is."""

from pathlib import Path

import prophet_hub.testing as kit
from prophet_hub.testing.contract.table import main, table

PAGES = Path(__file__).parents[2] / "docs" / "connectors"


def test_the_page_of_checks_is_generated(capsys):
    main()
    assert capsys.readouterr().out == table() == (PAGES / "checks.md").read_text("utf-8")


def test_every_public_name_is_explained():
    page = (PAGES / "contract.md").read_text("utf-8")
    missing = [name for name in kit.__all__ if f"`{name}`" not in page and f"`{name}(" not in page]
    assert missing == []


def test_what_is_not_there_is_an_attribute_error():
    assert not hasattr(kit, "Nothing")
