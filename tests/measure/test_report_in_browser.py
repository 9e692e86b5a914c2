"""The report as a browser shows it: at a phone's width and a desk's, without a fault or a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.fixtures.browser import Watch, browser, faults_of, require_browser
from tests.measure.calibration_samples import calibrated, sample
from tests.measure.samples import NOW
from tests.measure.test_attributes import compared, former
from tests.measure.test_report import scored

from holdfast.measure import calibration_report
from holdfast.measure.report import write_report
from holdfast.perspective import NAMES

__all__ = ["browser"]

require_browser()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_fits_and_can_be_used_by_all(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    path = tmp_path / "report.html"
    write_report(path, scored("a long name of a slice that somebody chose"), "x.csv", NOW)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(path.as_uri())
    watch = Watch(context)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert faults_of(page) == []
    covered = page.locator("details.example").first
    quote = covered.locator("blockquote")
    assert not quote.is_visible()
    covered.locator("summary").click()
    assert quote.is_visible()
    assert page.locator("svg.square polyline").first.bounding_box()["height"] > 50  # type: ignore[index]
    assert watch.complaints == []
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_a_calibration_fits_and_can_be_used_by_all(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    path = tmp_path / "report.html"
    calibration_report.write_report(path, calibrated(sample(400), scored=True), "x.csv", NOW)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(path.as_uri())
    watch = Watch(context)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert faults_of(page) == []
    plots = page.locator("svg.square polyline")
    assert plots.count() == 3
    assert plots.first.bounding_box()["height"] > 50  # type: ignore[index]
    assert watch.complaints == []
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_mapped_attributes_fit_and_can_be_used_by_all(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    path = tmp_path / "report.html"
    found = compared({name: former(name) for name in NAMES[:3]}, thresholds=(0.5, 0.52, 0.9))
    calibration_report.write_report(path, found, "x.csv", NOW)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(path.as_uri())
    watch = Watch(context)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert faults_of(page) == []
    assert page.locator("svg.square polyline").count() == 3
    plot = page.locator("svg.square").first
    assert found.attributes[0].migration is not None
    reached = [one for one in found.attributes[0].migration.thresholds if one.same_share.at is not None]
    assert plot.locator("path.mark").count() == len(reached) > 0
    box = plot.bounding_box()
    assert box is not None and box["height"] > 200
    assert page.locator("h2", has_text="Next steps").is_visible()
    assert watch.complaints == []
    context.close()
