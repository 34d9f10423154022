"""`python -m prophet_hub.cli`: the program without its script."""

import sys

from prophet_hub.cli.main import main

sys.exit(main())
