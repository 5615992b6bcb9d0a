"""What a search has found, measured on the sealed test split.

`stored` measures the file of a trial as it lies there; `anew` trains configurations under new seeds
first. `look` alone opens the split.
"""
