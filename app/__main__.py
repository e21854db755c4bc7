"""`python -m app` is `demijohn`."""

import sys

from app.cli import main

sys.exit(main())
