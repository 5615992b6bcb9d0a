"""What several seeds say: pure functions over numbers, which `make simulate` holds to their word.

`intervals`: one configuration; `comparison` and `verdicts`: two methods; `fronts` and `readings`:
a trade-off; `files`: two given files.
"""
