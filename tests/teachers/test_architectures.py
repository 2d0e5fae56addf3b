"""Every network of the catalogue, built without memory: its parts are as catalogued."""

from dataclasses import replace

import pytest
import torch

from shazam.errors import ConfigError
from shazam.teachers.catalogue import shipped_catalogue
from shazam.teachers.entry import Loader, Taps
from shazam.teachers.networks import Beside, build_network
from shazam.teachers.taps import BlockTaps, taps_of
from shazam.teachers.wiring import wire
from tests.teachers.made import VIT
from tests.teachers.remote_code import CONFIGURATION, MODELING, remote_config

ENTRIES = {n: e for n, e in shipped_catalogue().entries.items() if e.network}
# what the hub's config.json would say; the catalogue says what of it is not verified
BESIDE = {
    "h0_mini": Beside(
        hub_id="bioptimus/H0-mini",
        config={
            "architecture": "vit_base_patch14_reg4_dinov2",
            "num_classes": 0,
            "model_args": {
                "img_size": 224,
                "init_values": 1e-5,
                "mlp_ratio": 5.33334,
                "num_classes": 0,
            },
        },
    ),
    "hibou_l": Beside(
        hub_id="histai/hibou-L",
        config=remote_config(
            hidden_size=1024,
            num_hidden_layers=24,
            num_attention_heads=16,
            image_size=224,
            patch_size=14,
            num_register_tokens=4,
        ),
        code={"configuration_dinov2.py": CONFIGURATION, "modeling_dinov2.py": MODELING},
    ),
}


@pytest.fixture(scope="module", params=ENTRIES)
def built(request):
    entry = ENTRIES[request.param]
    with torch.device("meta"):
        network = build_network(entry.network, beside=BESIDE.get(entry.name, Beside())).eval()
    return entry, network


def test_levels_have_the_catalogued_widths_from_one_forward(built):
    entry, network = built
    wiring = wire(network, entry.network)
    taps = entry.network.taps or taps_of(len(wiring.blocks))
    calls = []
    for block in wiring.blocks:
        block.register_forward_hook(lambda *_: calls.append(1))
    recorder = BlockTaps(wiring.blocks, taps=taps, read=wiring.read)
    side = entry.transform.input_px
    with torch.inference_mode(), recorder.record() as levels:
        high = wiring.forward(torch.zeros((2, 3, side, side), device="meta"))
    assert len(calls) == len(wiring.blocks)
    found = {**levels, "high": high}
    assert {n: tuple(t.shape) for n, t in found.items()} == {
        level: (2, dim) for level, dim in entry.dims.model_dump().items()
    }


def test_the_number_of_parameters_is_the_published_one(built):
    entry, network = built
    millions = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    assert millions == pytest.approx(entry.params_millions, rel=0.01)


def test_blocks_patches_and_registers_are_as_catalogued(built):
    entry, network = built
    wiring, spec = wire(network, entry.network), entry.network
    if spec.blocks is not None:
        assert len(wiring.blocks) == spec.blocks
    assert wiring.patch_px == spec.patch_px
    assert wiring.registers == spec.registers
    if spec.patch_px is not None and spec.loader is Loader.TIMM:
        assert network.num_prefix_tokens == 1 + spec.registers


@pytest.mark.parametrize(
    ("n_blocks", "taps"),
    [(24, (7, 15)), (32, (10, 21)), (40, (13, 26)), (12, (3, 7)), (7, (2, 4)), (1, (0, 0))],
)
def test_taps_by_the_formula(n_blocks, taps):
    assert taps_of(n_blocks) == Taps(*taps)


def test_only_virchows_taps_differ_from_the_formula():
    differing = {
        name
        for name, entry in ENTRIES.items()
        if entry.network.taps and entry.network.taps != taps_of(entry.network.blocks)
    }
    assert differing == {"virchow", "virchow2"}


@pytest.mark.parametrize("part", ["blocks", "patch_px", "registers"])
def test_a_network_that_is_not_as_catalogued_is_refused(part):
    with torch.device("meta"):
        network = build_network(VIT, beside=Beside())
    with pytest.raises(ConfigError, match=f"{part} is .*, the catalogue says 9"):
        wire(network, replace(VIT, **{part: 9}))


def test_taps_beyond_the_blocks_are_refused():
    with torch.device("meta"):
        network = build_network(VIT, beside=Beside())
    with pytest.raises(ConfigError, match="impossible; the network has 5 blocks"):
        BlockTaps(wire(network, VIT).blocks, taps=Taps(1, 5), read=lambda tokens: tokens)
