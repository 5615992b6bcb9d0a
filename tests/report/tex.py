"""Compiling tables as an author would, and all that TeX has to say of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

LAYOUTS = {
    "article": r"\documentclass{article}",
    "ieee": r"\documentclass[journal]{IEEEtran}",
    "a4": r"\documentclass[a4paper]{article}\usepackage[margin=2cm]{geometry}",
}
PACKAGES = r"\usepackage{booktabs,siunitx,threeparttable,tabularx}"
STYLES = ("booktabs.sty", "siunitx.sty", "threeparttable.sty", "tabularx.sty", "IEEEtran.cls")
COMPLAINT = re.compile(r"^(?:.*[Ww]arning:.*|Overfull.*|Underfull.*|! .*)$", re.MULTILINE)


def missing_tex() -> str:
    """Why nothing can be compiled here; empty where it can."""
    if shutil.which("pdflatex") is None:
        return "pdflatex is not installed (texlive-latex-extra, -publishers, -science)"
    known = subprocess.run(["kpsewhich", *STYLES], capture_output=True, text=True, check=False)
    missing = [style for style in STYLES if style not in known.stdout]
    return f"TeX has no {', '.join(missing)}" if missing else ""


needs_tex = pytest.mark.skipif(bool(missing_tex()), reason=missing_tex() or "TeX is here")


def complaints(sources: Iterable[Path], layout: str, folder: Path) -> list[str]:
    """Every warning, error and box that is too full or too empty, of a paper with these tables."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = "".join(f"\\input{{{path}}}\n\\clearpage\n" for path in sources)
    paper = "\n".join(
        [LAYOUTS[layout], PACKAGES, r"\begin{document}", "Text.", inputs, r"\end{document}"]
    )
    (folder / "paper.tex").write_text(paper, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    # the second time, labels are known
    for _ in range(2):
        subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = (folder / "paper.log").read_text("latin-1")
    assert "Output written on paper.pdf" in log, log[-2000:]
    return COMPLAINT.findall(log)
