"""What extraction still has to do: by the keys that the workspace holds."""

from dataclasses import dataclass

import pytest

from shazam.config.extraction import ExtractionConfig
from shazam.config.tiling import TilingConfig
from shazam.digest import digest_of
from shazam.features.keys import FeaturesKey
from shazam.manifests import TiledSlide, TilesManifest, ValidatedSlide
from shazam.publish import publish_bytes, publish_sealed
from shazam.slides.tiles import TilesKey
from shazam.teachers import TeacherLibrary
from shazam.upkeep.todo import ASSUMED_TILES, extraction_to_do, tiled_before
from shazam.workspace import Workspace
from tests.slides.made import COHORT_REF

NAME = "colour_statistics"
CONFIG = ExtractionConfig(teachers=(NAME,))
TILING = TilingConfig()


@dataclass(frozen=True)
class Given:
    path: str
    size_bytes: int
    sha256: str


def sha(number: int) -> str:
    return digest_of({"slide": number})


def given(number: int, *, read: bool = True) -> Given:
    return Given(f"S{number}.svs", 100 + number, sha(number) if read else "")


def tiled(number: int, workspace: Workspace) -> TiledSlide:
    slide = ValidatedSlide(
        slide_id=f"S{number}",
        case_id=f"c{number}",
        path=f"S{number}.svs",
        size_bytes=100 + number,
        sha256=sha(number),
        mpp=0.5,
        mpp_origin="aperio.MPP",
        width_px=1000,
        height_px=1000,
        tissue_fraction=0.5,
    )
    key = digest_of(TilesKey.of(slide, config=TILING))
    uri = f"tiles/{key}/S{number}.h5"
    sha256 = publish_bytes(workspace.path(uri), b"grid")
    return TiledSlide(slide=slide, key=key, uri=uri, sha256=sha256, n_tiles=10 * (number + 1))


def extracted(one: TiledSlide, workspace: Workspace) -> None:
    identity = TeacherLibrary.from_config(CONFIG).identity(NAME)
    key = FeaturesKey.of(one, teacher=identity, device_type="cpu", precision="float32")
    path = workspace.root / "features" / NAME / digest_of(key) / f"{one.slide.slide_id}.h5"
    publish_sealed(path, lambda target: target.write_bytes(b"features"))


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """Slides 0 to 2 are tiled (10, 20 and 30 tiles), slide 0 is extracted."""
    place = Workspace(tmp_path)
    slides = tuple(tiled(number, place) for number in range(3))
    manifest = TilesManifest(cohort=COHORT_REF, slides=slides, quarantine=())
    place.write_manifest("tile", manifest)
    extracted(slides[0], place)
    return place


def todo(workspace, slides):
    known = tiled_before(workspace, tiling=TILING)
    (one,) = extraction_to_do(slides, config=CONFIG, tiled=known, workspace=workspace)
    return one


def test_slides_whose_keys_are_there_are_done(workspace):
    one = todo(workspace, [given(number) for number in range(3)])
    assert (one.n_slides, one.n_tiles, one.n_tiles_estimated) == (2, 50, 0)
    width = sum(TeacherLibrary.from_config(CONFIG).identity(NAME).dims.widths().values())
    assert one.n_bytes == 50 * width * 2
    assert one.gpu_hours == pytest.approx(50 / one.gpu.tiles_per_s / 3600)
    assert one.hours_here == pytest.approx(50 / one.here.tiles_per_s / 3600)


def test_new_slides_have_as_many_tiles_as_those_before_have_on_average(workspace):
    one = todo(workspace, [given(0), given(7), given(8)])
    assert (one.n_slides, one.n_tiles, one.n_tiles_estimated) == (2, 40, 40)


def test_slides_that_were_not_read_are_those_of_their_path_and_size(workspace):
    one = todo(workspace, [given(0, read=False), given(1, read=False), given(7, read=False)])
    assert (one.n_slides, one.n_tiles, one.n_tiles_estimated) == (2, 40, 20)


def test_other_tilings_and_lost_grids_count_as_not_tiled(workspace):
    other = TilingConfig(tile_um=TILING.tile_um * 2)
    assert tiled_before(workspace, tiling=other) == ()
    lost = tiled_before(workspace, tiling=TILING)[0]
    workspace.path(lost.uri).unlink()
    assert len(tiled_before(workspace, tiling=TILING)) == 2


def test_a_file_without_its_seal_is_to_do(workspace):
    (seal,) = workspace.root.glob("features/*/*/*.sha256")
    seal.unlink()
    assert todo(workspace, [given(0)]).n_slides == 1


def test_an_empty_workspace_assumes_a_number_of_tiles(tmp_path):
    one = todo(Workspace(tmp_path), [given(0), given(1)])
    assert (one.n_slides, one.n_tiles) == (2, 2 * ASSUMED_TILES)


def test_a_manifest_that_cannot_be_read_is_passed_over(workspace):
    publish_bytes(workspace.root / "manifests" / "tile" / f"{'0' * 64}.json", b"{}")
    assert len(tiled_before(workspace, tiling=TILING)) == 3
