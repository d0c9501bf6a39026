"""`python -m desktop` is `alcove`."""

import sys

from desktop.cli import main

sys.exit(main())
