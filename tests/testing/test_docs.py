"""The pages about the test kit say what there is."""

import subprocess
import sys
from pathlib import Path

import prophet_hub.testing as kit
from prophet_hub.testing.contract.table import main, table

PAGES = Path(__file__).parents[2] / "docs" / "connectors"


def test_the_page_of_checks_is_generated(capsys):
    main()
    assert capsys.readouterr().out == table() == (PAGES / "checks.md").read_text("utf-8")


def test_the_example_runs_as_it_stands(tmp_path):
    """The first block of the page, with the notebook in the place of the author's own."""
    page = (PAGES / "contract.md").read_text("utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    notebook = Path(__file__).with_name("notebook.py").read_text("utf-8")
    (tmp_path / "test_mine.py").write_text(example, "utf-8")
    (tmp_path / "fake_mine.py").write_text(notebook, "utf-8")
    (tmp_path / "my_package.py").write_text("from fake_mine import Notebook as Mine\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-W", "error", "-p", "no:cacheprovider"]
    ran = subprocess.run([*command, "--rootdir", tmp_path, tmp_path], capture_output=True, text=True,
                         cwd=tmp_path, timeout=120, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert " passed" in ran.stdout
    assert "test_a_query_narrows: the sandbox gives no query" in ran.stdout


def test_every_public_name_is_explained():
    page = (PAGES / "contract.md").read_text("utf-8")
    missing = [name for name in kit.__all__ if f"`{name}`" not in page and f"`{name}(" not in page]
    assert missing == []


def test_what_is_not_there_is_an_attribute_error():
    assert not hasattr(kit, "Nothing")
