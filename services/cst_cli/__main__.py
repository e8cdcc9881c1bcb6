"""``python -m cst_cli``."""

from cst_cli.main import main

main()
