"""The page of all connectors is what they promise, and each has a page of its own."""

from house import matrix
from prophet_hub import plugins


def test_the_table_is_made_of_the_capabilities():
    text = matrix.PAGE.read_text("utf-8")
    assert text == matrix.page(text), "run make docs"


def test_every_connector_has_a_page_with_what_people_look_for():
    for one in plugins.installed():
        if one.package != "prophet-hub":
            continue
        text = (matrix.PAGE.parent / f"{one.name}.md").read_text("utf-8")
        for part in ("connector: " + one.name, "## What is carried", "## What it promises",
                     "## Known limits"):  # fmt: skip
            assert part in text, f"{one.name}.md lacks {part}"
