"""A seeded generator of a BPO's access logs in the vendors' own formats, with planted incidents and their truth.

`Scenario(seed=1, agents=60, days=14, start=date(2026, 8, 1))` is pure: `manage.py simulate` writes it to files, the
demo and the benchmarks send it through the doors.
"""

from logs.simulate.cases import Case
from logs.simulate.registers import GrantSheet
from logs.simulate.scenario import Scenario
from logs.simulate.sources import BPO, SimSource, SimSystem

__all__ = ["BPO", "Case", "GrantSheet", "Scenario", "SimSource", "SimSystem"]
