"""The report in a real browser: nothing is wider than the window, pictures show, it prints."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shazam.evaluation.report import render_report
from shazam.manifests import QuarantineEntry
from tests.evaluation import made
from tests.evaluation.made_report import attended_found, context
from tests.evaluation.test_found_beside import findings, page_with

pytestmark = pytest.mark.integration

_LONG = "a_very_long_name_without_any_place_to_break_it_" * 4
WIDTHS_PX = (1280, 400)
# each page stands in a frame of the width of a window; an element that sticks out of it counts
# unless something around it scrolls
_PROBE = """<script>addEventListener("load", () => {
const scrolls = (e) => { for (; e; e = e.parentElement) {
  const o = getComputedStyle(e).overflowX; if (o === "auto" || o === "scroll") return true; }
  return false; };
const found = [...document.querySelectorAll("iframe")].map((frame) => {
  const page = frame.contentDocument, seen = frame.contentWindow.innerWidth;
  page.querySelectorAll("details").forEach((e) => { e.open = true; });
  const out = [...page.querySelectorAll("main *")].filter((e) =>
    e.getBoundingClientRect().right > seen + 1 && !scrolls(e)).map((e) => e.tagName);
  const images = [...page.images];
  return { name: frame.title, seen, wide: page.documentElement.scrollWidth, out,
    blank: images.filter((i) => !i.complete || i.naturalWidth === 0).length,
    mute: images.filter((i) => !i.alt).length, images: images.length }; });
const told = document.createElement("output"); told.id = "found";
told.textContent = JSON.stringify(found); document.body.append(told); });</script>"""


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no chromium: apt-get install chromium")
    return found


def run_browser(page: Path, *options: str, width: int) -> str:
    done = subprocess.run(
        [
            *(chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--disable-dev-shm-usage", f"--user-data-dir={page.parent / 'profile'}"),
            *(f"--window-size={width},900", "--virtual-time-budget=5000", *options),
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def pages() -> dict[str, str]:
    wide = made.survival_result(noise=8.0, n_cases=40)
    broken = QuarantineEntry(
        slide_id=_LONG,
        slide_sha256="d" * 64,
        stage="validate",
        error="SlideError",
        reason="unreadable",
        message=f"{_LONG}.tiff: cannot be opened",
    )
    long = {"title": _LONG, "quarantine": (broken,), "teachers": (made.teacher(_LONG),)}
    return {
        "over time": page_with(survival=findings()),
        "survival": explained(),
        "long names of slides": explained(slide_id=_LONG[:128]),
        "failed, long names": render_report(wide, context=context().model_copy(update=long)),
        "classes": render_report(made.class_result(), context=context()),
        "values": render_report(made.value_result(), context=context()),
    }


def explained(*, slide_id: str = "slide-a") -> str:
    found, pixels = attended_found(slide_id=slide_id)
    shown = context().model_copy(update={"explanations": found})
    return render_report(made.survival_result(), context=shown, pixels=pixels)


def framed(shown: dict[str, str]) -> str:
    frames = [
        f'<iframe title="{name}" width="{width}" height="900" style="border:0" '
        f'srcdoc="{html.escape(page)}"></iframe>'
        for name, page in shown.items()
        for width in WIDTHS_PX
    ]
    return f"<!doctype html><body>{''.join(frames)}{_PROBE}</body>"


def test_nothing_is_wider_than_the_window_and_pictures_show(tmp_path):
    shown = pages()
    page = tmp_path / "frames.html"
    page.write_text(framed(shown))
    dumped = run_browser(page, "--dump-dom", width=1400)
    found = json.loads(re.search(r'<output id="found">(.*?)</output>', dumped).group(1))
    assert [(one["name"], one["seen"]) for one in found] == [
        (name, width) for name in shown for width in WIDTHS_PX
    ]
    for one in found:
        assert one["wide"] <= one["seen"], one
        assert (one["out"], one["blank"], one["mute"]) == ([], 0, 0), one
        assert one["images"] >= 1


def test_the_probe_sees_what_sticks_out(tmp_path):
    page = tmp_path / "frames.html"
    wide = "<!doctype html><main><p style='width:900px'>x</p><img src='data:,' alt=''></main>"
    page.write_text(framed({"wide": wide}))
    dumped = run_browser(page, "--dump-dom", width=1400)
    found = json.loads(re.search(r'<output id="found">(.*?)</output>', dumped).group(1))
    assert found[1]["wide"] > found[1]["seen"]
    assert found[1]["out"] == ["P"]
    assert (found[1]["blank"], found[1]["mute"]) == (1, 1)


def test_it_prints(tmp_path):
    page = tmp_path / "report.html"
    page.write_text(explained())
    target = tmp_path / "report.pdf"
    run_browser(page, f"--print-to-pdf={target}", "--no-pdf-header-footer", width=1280)
    content = target.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(content) > 20_000
