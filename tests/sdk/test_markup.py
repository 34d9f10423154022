"""Texts change their dialect and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from prophet_hub.sdk.markup import DIALECTS, convert, images, known, prose, with_images

ORDER = ["markdown", "html", "textile", "trac", "plain"]

# one construct in each dialect: what Markdown becomes there
CONSTRUCTS = {
    "heading": ("## Steps", "<h2>Steps</h2>", "h2. Steps", "== Steps ==", "## Steps"),
    "strong": ("**a**", "<p><strong>a</strong></p>", "*a*", "'''a'''", "**a**"),
    "emphasis": ("*a*", "<p><em>a</em></p>", "_a_", "''a''", "*a*"),
    "strikethrough": ("~~a~~", "<p><del>a</del></p>", "-a-", "~~a~~", "~~a~~"),
    "superscript": ("x <sup>2</sup>", "<p>x <sup>2</sup></p>", "x ^2^", "x ^2^", "x 2"),
    "both": ("_**a**_", "<p><em><strong>a</strong></em></p>", "_*a*_", "'''''a'''''", "***a***"),
    "part of a word": ("a**b**c", "<p>a<strong>b</strong>c</p>", "abc", "a'''b'''c", "a**b**c"),
    "code span": ("`a`", "<p><code>a</code></p>", "@a@", "`a`", "`a`"),
    "code span with a pipe": ("`a|b`", "<p><code>a|b</code></p>", "@a&#124;b@", "`a|b`", "`a|b`"),
    "code block": (
        "```\na\n  *b*\n```",
        "<pre><code>a\n  *b*\n</code></pre>",
        "<pre>\na\n  *b*\n</pre>",
        "{{{\na\n  *b*\n}}}",
        "```\na\n  *b*\n```",
    ),
    "code with a language": (
        "```ruby\nputs\n```",
        '<pre><code class="language-ruby">puts\n</code></pre>',
        '<pre><code class="ruby">\nputs\n</code></pre>',
        "{{{\n#!ruby\nputs\n}}}",
        "```ruby\nputs\n```",
    ),
    "quote": (
        "> a\n>\n> > b",
        "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>",
        "> a\n>\n>> b",
        "> a\n>\n> > b",
        "> a\n>\n> > b",
    ),
    "nested list": (
        "- a\n  - b\n- c",
        "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n<li>c</li>\n</ul>",
        "* a\n** b\n* c",
        " * a\n   * b\n * c",
        "- a\n  - b\n- c",
    ),
    "numbered list": (
        "3. a\n4. b",
        '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>',
        "# a\n# b",
        " 3. a\n 4. b",
        "3. a\n4. b",
    ),
    "code in a list": (
        "- a\n\n  ```\n  b\n  ```",
        "<ul>\n<li>\n<p>a</p>\n<pre><code>b\n</code></pre>\n</li>\n</ul>",
        "* a\n<pre>\nb\n</pre>",
        " * a\n   {{{\n   b\n   }}}",
        "- a\n\n  ```\n  b\n  ```",
    ),
    "tasks": (
        "- [x] a\n- [ ] b",
        (
            '<ul>\n<li><input type="checkbox" disabled checked=""> a</li>\n'
            '<li><input type="checkbox" disabled> b</li>\n</ul>'
        ),
        "* [x] a\n* [ ] b",
        " * [x] a\n * [ ] b",
        "- [x] a\n- [ ] b",
    ),
    "table": (
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
        (
            "<table>\n<thead>\n<tr><th>a</th><th>b</th></tr>\n</thead>\n"
            "<tbody>\n<tr><td>1</td><td>2</td></tr>\n</tbody>\n</table>"
        ),
        "|_. a |_. b |\n| 1 | 2 |",
        "||= a =||= b =||\n|| 1 || 2 ||",
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
    ),
    "table without a head": (
        "|  |\n| --- |\n| 1 |",
        "<table>\n<tbody>\n<tr><td>1</td></tr>\n</tbody>\n</table>",
        "| 1 |",
        "|| 1 ||",
        "|  |\n| --- |\n| 1 |",
    ),
    "link": (
        "[a b](http://x.org/y_z)",
        '<p><a href="http://x.org/y_z">a b</a></p>',
        '"a b":http://x.org/y_z',
        "[http://x.org/y_z a b]",
        "[a b](http://x.org/y_z)",
    ),
    "link that goes on": (
        "[a](http://x.org/y)b",
        '<p><a href="http://x.org/y">a</a>b</p>',
        '"a":http://x.org/y b',
        "[http://x.org/y a]b",
        "[a](http://x.org/y)b",
    ),
    "address": (
        "<http://x.org/y>.",
        '<p><a href="http://x.org/y">http://x.org/y</a>.</p>',
        "http://x.org/y.",
        "[http://x.org/y http://x.org/y].",
        "http://x.org/y.",
    ),
    "relative link": (
        "[a](b.html)",
        '<p><a href="b.html">a</a></p>',
        "a (b.html)",
        "[[b.html|a]]",
        "[a](b.html)",
    ),
    "image": (
        "![a b](c.png)",
        '<p><img src="c.png" alt="a b"></p>',
        "!c.png(a b)!",
        "[[Image(c.png, alt=a b)]]",
        "![a b](c.png)",
    ),
    "break": ("a  \nb", "<p>a<br>\nb</p>", "a\nb", "a\nb", "a\nb"),
    "rule": ("---", "<hr>", "---", "----", "---"),
    "literal stars": (r"\*a\*", "<p>*a*</p>", "&#42;a*", "*a*", "*a*"),
    "literal list": (r"\- a", "<p>- a</p>", "- a", "\u200b- a", "- a"),
    "literal tag": (r"\<b>", "<p>&lt;b&gt;</p>", "<b>", "<b>", "<b>"),
    "wiki word": ("FooBar", "<p>FooBar</p>", "FooBar", "!FooBar", "FooBar"),
    "reference": ("#12", "<p>#12</p>", "#12", "#12", "#12"),
    "caret": ("2^10", "<p>2^10</p>", "2^10", "2!^10", "2^10"),
    "array": (r"a\[0\]", "<p>a[0]</p>", "a&#91;0]", "a![0]", "a[0]"),
    "acronym": ("NULL(0)", "<p>NULL(0)</p>", "NULL&#40;0)", "NULL(0)", "NULL(0)"),
}


@pytest.mark.parametrize("target", range(1, 5), ids=ORDER[1:])
@pytest.mark.parametrize("name", CONSTRUCTS)
def test_a_construct_becomes_that_of_the_other_dialect(name, target):
    row = CONSTRUCTS[name]
    assert row[target] == convert(row[0], "markdown", ORDER[target])


BACK = {
    ("heading", "plain"), ("strong", "plain"), ("emphasis", "plain"), ("strikethrough", "plain"),
    ("superscript", "plain"), ("both", "plain"), ("part of a word", "plain"), ("code span", "plain"),
    ("code span with a pipe", "plain"), ("nested list", "plain"), ("numbered list", "plain"),
    ("code in a list", "plain"), ("tasks", "plain"), ("table", "plain"),
    ("table without a head", "plain"), ("link", "plain"), ("link that goes on", "plain"),
    ("relative link", "plain"), ("image", "plain"), ("rule", "plain"),
    ("numbered list", "textile"), ("part of a word", "textile"), ("relative link", "textile"),
    ("link that goes on", "textile"), ("both", "trac"),
}  # fmt: skip


@pytest.mark.parametrize("target", range(1, 5), ids=ORDER[1:])
@pytest.mark.parametrize("name", CONSTRUCTS)
def test_a_construct_comes_back_but_for_those_a_dialect_lacks(name, target):
    row, dialect = CONSTRUCTS[name], ORDER[target]
    back = convert(row[target], dialect, "markdown")
    assert (back == row[0]) is ((name, dialect) not in BACK)


def test_dialects_that_are_not_known_are_told():
    assert all(known(dialect) for dialect in DIALECTS)
    assert not known("rst")


@pytest.mark.parametrize(
    "text",
    [
        "- [x](javascript:alert(1))", "<a href='javascript:alert(1)'>x</a>",
        "<a href=' java\nscript:alert(1)'>x</a>", "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>", "<p onclick='alert(1)'>x</p>", "<svg onload=alert(1)>",
        '"x":javascript:alert(1)', "[javascript:alert(1) x]", "[[javascript:alert(1)|x]]",
        "<javascript:alert(1)>", "![x](javascript:alert(1))", "!javascript:alert(1)!",
        "<iframe src=http://x></iframe>", "[x](vbscript:x)", "[x](data:text/html,x)",
        "<a href='&#106;avascript:alert(1)'>x</a>", "<<script>script>alert(1)</script>",
    ],
)  # fmt: skip
@pytest.mark.parametrize("source", [*sorted(DIALECTS - {"html"}), "html"])
def test_nothing_that_acts_gets_through(source, text):
    for target in sorted(DIALECTS - {source}):
        there = convert(text, source, target)
        seen = convert(there, target, "html") if target != "html" else there
        tags = [part.partition(">")[0].lower() for part in seen.split("<")[1:]]
        assert not [
            tag
            for tag in tags
            if "script:" in tag or "data:" in tag or " on" in tag
            or tag.startswith(("script", "svg", "iframe"))
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        ("markdown", "a #1 `#2` [#3](http://x/#4) <http://h/5>", "a #1 | [#3]| <http://h/5>"),
        ("markdown", "#1\n\n    #2\n\n```\n#3\n```\n> ```\n> #4\n> ```\n#5", "#1\n\n|\n|#5"),
        ("markdown", "\\`#1` `` #2 ` #3 `` #4 ` #5", "\\`#1| #3 `` #4 ` #5"),
        ("markdown", "- a\n\n  ~~~\n  #1\n  ~~~\n\n[x]: /#2\n", "- a\n\n|\n|\n"),
        ("plain", "#1\n```\n#2\n```\n`#3`", "#1\n|`#3`"),
        ("html", "<p>#1 <code>#2</code> <a href='#3'>#4</a></p><!-- #5 -->", "#1 | |#4"),
        ("html", "#1<pre>#2</pre>#3<PRE class='x'>#4", "#1|#3"),
        ("textile", '#1 @#2@ <pre>#3</pre> "#4":http://x/#5. !a.png!', '#1 | | "#4":|. '),
        ("trac", "#1 `#2` {{{#3}}} [http://x/#5 #6] [[Macro(#7)]]", "#1 | | [| #6] "),
        ("trac", "#1\n{{{\n#2\n{{{\n#3\n}}}\n}}}\n#4\n> {{{\n> #5\n> }}}", "#1\n|#4\n"),
        ("trac", "ticket:1\n{{{\n#2", "ticket:1\n"),
    ],
)
def test_references_are_rewritten_in_prose_alone(dialect, text, expected):
    assert expected == "|".join(text[start:end] for start, end in prose(text, dialect))


@pytest.mark.parametrize(
    ("dialect", "text", "found", "changed"),
    [
        (
            "markdown",
            "![a](x.png) `![](x.png)` <img src='y.png'> ![](<b c.png>)",
            ["x.png", "y.png", "b c.png"],
            "![a](12%20new.png) `![](x.png)` <img src='y.png'> ![](<b c.png>)",
        ),
        ("html", '<img alt="" src="x.png"><code>&lt;', ["x.png"], '<img alt="" src="12%20new.png"><code>&lt;'),
        ("textile", "!x.png! !>y.png(z)!", ["x.png", "y.png"], "!12%20new.png! !>y.png(z)!"),
        (
            "trac",
            "[[Image(x.png, 30%)]] `[[Image(x.png)]]` {{{\n}}}",
            ["x.png"],
            "[[Image(12 new.png, 30%)]] `[[Image(x.png)]]` {{{\n}}}",
        ),
        ("plain", "![a](x.png)", ["x.png"], "![a](12%20new.png)"),
        ("plain", "no image", [], "no image"),
    ],
)  # fmt: skip
def test_images_are_found_and_pointed_elsewhere(dialect, text, found, changed):
    assert found == images(text, dialect)
    assert changed == with_images(text, dialect, {"x.png": "12 new.png"})


def test_plain_text_is_shown_sign_by_sign():
    text = (
        "Hi *you*,\n\n# 1. not a list\n- nor this\n&amp; <b> [x](y) C:\\.x _a_\n\n  a   b\n  c   d"
    )
    for target in sorted(DIALECTS - {"plain"}):
        there = convert(text, "plain", target)
        assert convert(there, target, "plain").replace("```\n", "").replace("\n```", "") == text


@pytest.mark.parametrize(
    "text", ["tables are slow.", "a\ntable of contents is broken.\nb", "table(x). \n\nc", "table."]
)
def test_a_line_that_begins_with_table_is_none(text):
    for other in sorted(DIALECTS - {"textile"}):
        assert convert(text, "textile", other).split() != []
        assert (
            convert(convert(text, "plain", "textile"), "textile", "plain").split() == text.split()
        )
    assert convert("table(x).\n|a|", "textile", "trac") == "|| a ||"


def test_an_empty_line_in_bold_does_not_end_the_bold():
    told = convert("<p><b>a<br><br>b</b></p>", "html", "markdown")
    assert told == "**a  \nb**"
    assert convert(convert(told, "markdown", "html"), "html", "markdown") == told


def test_code_begins_at_the_first_sign_even_in_an_address():
    """Redmine takes the sign in an address for one of code where another follows."""
    text = "See https://a.com/@b/c and `x` y"
    there = convert(text, "markdown", "textile")
    assert there == "See https://a.com/&#64;b/c and @x@ y"
    assert convert(there, "textile", "markdown") == "See <https://a.com/@b/c> and `x` y"


@pytest.mark.parametrize("unit", ["<b>", "<b><i>", '<a href="x">', "<sub>", '"a":http://b '])
def test_depth_beyond_any_reader_s_is_no_error(unit):
    for source in sorted(DIALECTS):
        for target in sorted(DIALECTS - {source}):
            assert "end" in convert(unit * 2000 + "end", source, target)


def test_a_text_beyond_reason_is_shown_as_code():
    text = "*a* " * 50_000
    assert convert(text, "markdown", "html").startswith("<pre><code>*a* *a* ")
    for source in DIALECTS:
        for target in DIALECTS - {source}:
            there = convert(text, source, target)
            assert convert(convert(there, target, source), source, target) == there
    deep = ">" * 500 + " a"
    assert "a\n</code></pre>" in convert(deep, "markdown", "html")


UNITS = [
    "*", "[", "(", "|", ">", "<", "`", "_", "![", "](", "<a ", "<!--", "- ", "&", "\\", "~", "\n>",
    "\n- ", "**a", "<b>", "|a\n", "!", "{{{", "'''", "[[", "@", '"a":', "http://", "a*b", "1. ",
    '"', "'", "=", "{", "}", "||", "<pre>", "^", ",,", "\t", " ", "[a:", "!a", "![a](", "a\n\n",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("source", sorted(DIALECTS))
def test_hostile_texts_end(source, unit):
    text = unit * 300
    target = "markdown" if source == "html" else "html"
    there = convert(text, source, target)
    assert there == convert(convert(there, target, source), source, target)
    assert prose(text, source) is not None
    assert isinstance(images(text, source), list)


def test_no_dialect_is_loaded_before_a_text_needs_it():
    """A text that stays in its markup needs none: reading and writing take long to load."""
    code = (
        "import sys; from prophet_hub.foreign import texts; from prophet_hub.sdk import markup;"
        "markup.convert('*a*', 'trac', 'trac');"
        "print([m for m in sys.modules if m.startswith(('markdown_it', markup.__name__ + '.'))]);"
        "markup.convert('*a*', 'trac', 'plain'); print('markdown_it' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["[]", "True"]
