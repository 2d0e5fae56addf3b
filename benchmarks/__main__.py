"""Run the benchmarks, print their table and keep it as JSON: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import (
    bootstrap,
    contracts,
    extraction,
    ledger,
    promotion,
    scale,
    simulation,
    training,
)
from benchmarks.rows import keep_row, print_table

RESULTS = Path(__file__).parent / "results"
DATA_VARIABLE = "SHAZAM_SHARED_DATA"
_WITHOUT_SLIDES = {
    "evaluation": bootstrap.measure,
    "contracts": contracts.measure,
    "ledger": ledger.measure,
    "promotion": promotion.measure,
}


def main() -> int:
    """Return 0 when every row was measured; a missed target is shown, not an error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", help="run the rows whose name holds this text")
    parser.add_argument("--quick", action="store_true", help="simulate a few runs only, as a trial")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    asked = parser.parse_args()
    simulated, scaled = simulation.is_asked(asked.only), scale.is_asked(asked.only)
    data = Path(os.environ.get(DATA_VARIABLE, ""))
    needs_data = asked.only is None or not (simulated or scaled)
    if needs_data and not (data / "wsi_monuseg").is_dir():
        parser.error(f"{DATA_VARIABLE} must name the folder of the real slides")
    rows = []
    if simulated:
        for row in simulation.measure(simulation.QUICK if asked.quick else simulation.Size()):
            keep_row(asked.results / "simulation.json", row)
            rows.append(row)
    if scaled:
        for row in scale.measure():
            keep_row(asked.results / "scale.json", row)
            rows.append(row)
    if not needs_data:
        print_table(rows)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for row in extraction.measure(data, folder=Path(folder), only=asked.only):
            keep_row(asked.results / "extraction.json", row)
            rows.append(row)
        for row in training.measure(Path(folder) / "training", only=asked.only):
            keep_row(asked.results / "training.json", row)
            rows.append(row)
    for name, measure in _WITHOUT_SLIDES.items():
        for row in measure(only=asked.only):
            keep_row(asked.results / f"{name}.json", row)
            rows.append(row)
    if not rows:
        parser.error(f"--only: no row has {asked.only!r} in its name")
    print_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
