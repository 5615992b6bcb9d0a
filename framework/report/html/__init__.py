"""One page for a study or a comparison: a file that needs nothing but a browser.

`of_study` and `of_comparison` say what is on it (`model`), `document` writes it: text and tables
that are read without scripts, and the same rows as one block of JSON (`encode`), from which the
scripts in `assets/` draw. Nothing is fetched: a content policy allows the page's own style and
script alone, by their digests.
"""
