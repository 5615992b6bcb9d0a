"""From runs to cells: tables as values, and as Markdown, CSV, LaTeX and HTML."""
