"""Pages of runs in a real browser: many groups, one verdict, versions side by side, a study, and the folded editor."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from audits.models import AuditRun
from tests.audits.test_web_run_pages import compared, disparity, many, study, two_versions
from tests.browser.test_pages import check, violations


@pytest.fixture
def versions() -> AuditRun:
    """The second version's run; one verdict turned."""
    before, now = two_versions()
    compared(before, "age=65+", 0.9, "pass", tolerance_used=0.5)
    compared(now, "age=65+", 0.5, "fail", tolerance_used=3.0)
    reason = {"reason": "23 rows; 30 are needed"}
    compared(now, "age=75+", None, "insufficient", n=23, value=None, tolerance_used=None, detail=reason)
    compared(now, "age=85+", 0.5, "insufficient", n=4, tolerance_used=None, detail=reason)
    return now


@pytest.mark.parametrize("width", [390, 1440])
def test_run_pages_fit_and_are_accessible(live_server, db, officer, signed_in, console, width, versions):
    page = signed_in(officer)
    page.set_viewport_size({"width": width, "height": 900})
    base, groups, found = live_server.url, many(30), versions.measurements.first()
    assert found is not None
    for path in (
        f"/runs/{versions.pk}/?with=1",
        f"/runs/{versions.pk}/measurements/{found.pk}/",
        f"/runs/{groups.pk}/?metric=selection-rate&sort=-ratio",
        f"/runs/{study().pk}/",
    ):
        check(page, base + path)
        for fold in page.locator("main details > summary").all():
            fold.click()
        assert violations(page) == [], f"{path}, unfolded"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path}, unfolded"


def test_from_a_group_to_its_verdict_and_back_by_keyboard(live_server, db, officer, signed_in, console):
    run = disparity()
    compared(run, "age=65+", 0.5, "fail", tolerance_used=3.0)
    page = signed_in(officer)
    page.goto(f"{live_server.url}/runs/{run.pk}/")
    page.locator(".forest").get_by_role("link", name="age: 65+").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Selection rate: age: 65+")).to_be_visible()
    page.get_by_role("link", name=f"Back to its row in run {run.pk}").click()
    expect(page.locator("tr.marked")).to_contain_text("age: 65+")


def test_a_filter_stays_in_the_address_and_in_the_export(live_server, db, officer, signed_in, console):
    run = many(14)
    compared(run, "age=65+", 0.9, "pass", tolerance_used=0.1)
    page = signed_in(officer)
    page.goto(f"{live_server.url}/runs/{run.pk}/")
    page.get_by_label("Verdict").select_option("pass")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".data-table.groups tbody tr")).to_have_count(1)
    assert "verdict=pass" in page.url


def test_a_folded_list_says_what_is_chosen(live_server, house: Any, officer, signed_in, console):
    page = signed_in(officer)
    page.goto(f"{live_server.url}/models/fake-finder/versions/1/plans/new/?kind=segment-disparity")
    groups = page.locator("details.picker").filter(has_text="Groups by")
    expect(groups).to_have_attribute("open", "")
    expect(groups.locator(".chosen")).to_have_text("none chosen")
    box = groups.get_by_role("checkbox").first
    box.check()
    expect(groups.locator(".chosen")).to_have_text(box.get_attribute("value") or "")
    box.uncheck()
    expect(groups.locator(".chosen")).to_have_text("none chosen")


@pytest.mark.parametrize("width", [390, 1440])
def test_the_folded_editor_fits_and_is_accessible(
    live_server, house: Any, officer, signed_in, console, width
):
    page = signed_in(officer)
    page.set_viewport_size({"width": width, "height": 900})
    for kind in ("segment-disparity", "mitigation", "exposure-disparity"):
        check(page, f"{live_server.url}/models/fake-finder/versions/1/plans/new/?kind={kind}")
