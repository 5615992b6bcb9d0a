"""`python -m framework` is the command `squeezelab`."""

from framework.cli import main

main()
