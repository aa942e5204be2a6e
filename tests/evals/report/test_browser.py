"""The page in a real browser: its script runs, and hostile text does nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.evals.made import item, proven, record
from videoseal.evals.report.write import ReportFiles, write_report
from videoseal.models.types import Question

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium here")


def _dom(page: Path, part: str, profile: Path) -> str:
    """The document after its script has run, opened at a part of it."""
    done = subprocess.run(
        [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={profile}", "--virtual-time-budget=4000", "--dump-dom",
         f"{page.as_uri()}{part}"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout


def test_area_of_a_quadrant_lists_its_samples(files: ReportFiles, tmp_path: Path) -> None:
    """Following its link leaves exactly as many samples as the area says."""
    page = files.html.read_text("utf-8")
    found = re.search(r'href="(#samples/1/right-ungrounded)" aria-label="[^"]*list (\d+) s', page)
    assert found is not None
    link, count = found.groups()
    dom = _dom(files.html, link, tmp_path / "profile")
    assert f"{count} of 176 samples" in dom
    assert dom.count('<tr class="lucky">') == int(count)


def test_sample_opens_with_hostile_text_as_text(tmp_path: Path) -> None:
    """The evidence view shows what a video says, and runs none of it."""
    text = (
        "<img src=x onerror=\"document.title='owned'\"></script><script>document.title=1</script>"
    )
    asked = item(question=Question(text=text, options=[text, "b"]), answer="A")
    run = tmp_path / "run"
    run.mkdir()
    told = record(asked, proven("A", reason=text))
    (run / "samples.jsonl").write_text(told.model_dump_json() + "\n")
    dom = _dom(write_report([run], tmp_path).html, "#sample/0", tmp_path / "profile")
    view = dom[dom.index('<article class="evidence">') : dom.index("</article>")]
    assert "Right, and a frame of the gold span was shown." in view
    assert "&lt;img src=x" in view
    assert "<img" not in view
    assert "<title>Evaluation on synthetic</title>" in dom
