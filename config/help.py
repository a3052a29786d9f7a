"""The documentation inside the product: ``docs/`` rendered as it is written, with links that work here."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from config.env import BASE_DIR

DOCS = (BASE_DIR / "docs").resolve()
SECTIONS = {
    "tutorials": "Tutorials",
    "how-to": "How to",
    "reference": "Reference",
    "explanation": "Explanation",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One page in a list: title and address."""

    title: str
    address: str


@login_required
def help_index(request: HttpRequest, folder: str = "") -> HttpResponse:
    """Every page of the documentation, or of one folder of it."""
    wanted = folder.strip("/")
    pages = {title: _entries(section, wanted) for section, title in SECTIONS.items()}
    found = {title: entries for title, entries in pages.items() if entries}
    if not found:
        raise Http404
    return render(request, "help/index.html", {"sections": found})


def _documents() -> dict[str, Path]:
    """Every page that is served, by its path under ``docs/``: what an address names is looked up here, not on disk."""
    paths = (path for section in SECTIONS for path in sorted((DOCS / section).rglob("*.md")))
    return {path.relative_to(DOCS).as_posix(): path for path in paths}


def _entries(section: str, folder: str) -> list[Entry]:
    inside = f"{folder}/" if folder else f"{section}/"
    return [
        Entry(_title(path.read_text(encoding="utf-8")), _address(name))
        for name, path in _documents().items()
        if name.startswith(f"{section}/") and name.startswith(inside)
    ]


@login_required
def help_page(request: HttpRequest, section: str, slug: str) -> HttpResponse:
    """One page, or the list of a folder."""
    path = _documents().get(f"{section}/{slug}.md")
    if path is None:
        return help_index(request, f"{section}/{slug}")
    text = path.read_text(encoding="utf-8")
    body = _rendered(text, path.parent.relative_to(DOCS).as_posix())
    return render(
        request, "help/page.html", {"title": _title(text), "body": body, "section": SECTIONS[section]}
    )


@cache
def kind_opening(slug: str) -> str:
    """What an audit kind answers: the paragraph that its reference page starts with; empty without such a page."""
    path = _documents().get(f"reference/audit-kinds/{slug}.md")
    if path is None:
        return ""
    paragraphs = path.read_text(encoding="utf-8").split("\n\n")
    return _rendered(paragraphs[1], "reference/audit-kinds") if len(paragraphs) > 1 else ""


def _title(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ").strip()


def _rendered(text: str, folder: str) -> str:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    served = _documents()
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open":
                _relink(child, folder, served)
    # Our own files, with raw HTML switched off.
    return mark_safe(markdown.renderer.render(list(_scrolling(tokens)), markdown.options, {}))  # noqa: S308


def _scrolling(tokens: Iterable[Token]) -> Iterator[Token]:
    """Each table in a part that scrolls sideways by pointer and keyboard, so that a phone's page does not."""
    tables = 0
    for token in tokens:
        if token.type == "table_open":
            tables += 1
            opening = f'<div class="scroll" tabindex="0" role="region" aria-label="Table {tables}">'
            yield Token("html_block", "", 0, content=opening)
        yield token
        if token.type == "table_close":
            yield Token("html_block", "", 0, content="</div>")


def _relink(token: Token, folder: str, served: Collection[str]) -> None:
    """Point a relative link at the page here; one that leaves what is served loses its address."""
    target, _, fragment = str(token.attrs.get("href", "")).partition("#")
    if "://" in target or target.startswith("/") or not target:
        return
    path = posixpath.normpath(posixpath.join(folder, target))
    if path in SECTIONS or any(name == path or name.startswith(f"{path}/") for name in served):
        token.attrs["href"] = _address(path) + (f"#{fragment}" if fragment else "")
    else:
        del token.attrs["href"]


def _address(path: str) -> str:
    section, _, slug = path.removesuffix(".md").partition("/")
    return reverse("help", args=[section, slug]) if slug else reverse("help-index")
