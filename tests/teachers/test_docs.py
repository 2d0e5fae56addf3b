"""docs/teachers.md says what the catalogue says, and its example is an entry."""

import re

from shazam.stages import SOURCE_ROOT
from shazam.teachers.catalogue import Catalogue, shipped_catalogue
from shazam.teachers.entry import TeacherEntry

TEXT = (SOURCE_ROOT / "docs" / "teachers.md").read_text()


def row(entry: TeacherEntry) -> str:
    network, transform, dims = entry.network, entry.transform, entry.dims
    if network is None or transform is None:
        high, taps, pixels = "-", "-", "any"
    else:
        high = network.pooling.value
        taps = (
            f"{network.taps.low}, {network.taps.mid}" if network.taps else "read from the network"
        )
        pixels = str(transform.input_px)
        if transform.resize_px != transform.input_px:
            pixels = f"{transform.resize_px}, centre {pixels}"
    access = "gated" if entry.gated else "open"
    cells = (f"`{entry.name}`", f"{dims.low}, {dims.mid}, {dims.high}", high, taps, pixels)
    return f"| {' | '.join(cells)} | {entry.licence} | {access} |"


def test_the_table_is_the_catalogue():
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    assert rows == [row(entry) for entry in shipped_catalogue().entries.values()]


def test_the_example_is_a_catalogue_file(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    path = tmp_path / "own.yaml"
    path.write_text(example.replace("<64 hex digits>", "a" * 64))
    assert Catalogue.load(path).entry("my_resnet").dims.high == 2048


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if not (SOURCE_ROOT / "docs" / link).exists()] == []
