"""Shows without training that intervals and verdicts keep their word; `make simulate`."""
