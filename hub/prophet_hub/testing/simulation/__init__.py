"""PUBLIC: worlds of trackers, people and a hub that dies, drawn from a seed and judged by laws.

`draw` makes a world of a seed, `play` plays it, `shrink` finds the least of it that still breaks a
law.  See docs/design/007-simulation.md; `python -m prophet_hub.testing.simulation` plays from the
command line.
"""

from prophet_hub.testing.simulation.laws import LAWS
from prophet_hub.testing.simulation.playing import Plan, Verdict, draw, play
from prophet_hub.testing.simulation.setting import TRAITS, Remote, Setting
from prophet_hub.testing.simulation.shrinking import shrink
from prophet_hub.testing.simulation.standard import STANDARD, boundaries
from prophet_hub.testing.simulation.steps import Step

__all__ = [
    "LAWS",
    "STANDARD",
    "TRAITS",
    "Plan",
    "Remote",
    "Setting",
    "Step",
    "Verdict",
    "boundaries",
    "draw",
    "play",
    "shrink",
]
