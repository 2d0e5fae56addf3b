"""The levels of small networks, against a plain forward of the same network with hooks."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch

from shazam.errors import ConfigError
from shazam.manifests import LevelDims
from shazam.teachers.catalogue import Catalogue, shipped_catalogue
from shazam.teachers.encoder import Precision, load_encoder
from shazam.teachers.entry import Pooling, Taps
from shazam.teachers.networks import Beside, build_network
from shazam.teachers.store import packaged_file
from shazam.teachers.wiring import wire
from tests.teachers.made import (
    DIMS,
    DINOV2,
    RESNET,
    RESNET_DIMS,
    VIT,
    VIT_WITH_REGISTERS,
    loaded,
    local_library,
    normalised,
    tiles,
)

CLS_MEAN_DIMS = LevelDims(low=32, mid=32, high=64)
AVERAGE = replace(VIT, kwargs={**VIT.kwargs, "global_pool": "avg"}, pooling=Pooling.AVERAGE)
CASES = {
    "vit": (VIT, DIMS),
    "vit with registers": (VIT_WITH_REGISTERS, CLS_MEAN_DIMS),
    "vit, normalised": (replace(VIT, norm_intermediates=True, taps=Taps(0, 4)), DIMS),
    "vit, averaged": (AVERAGE, DIMS),
    "dinov2": (DINOV2, DIMS),
    "dinov2, normalised": (replace(DINOV2, norm_intermediates=True), DIMS),
    "dinov2, cls+mean": (replace(DINOV2, pooling=Pooling.CLS_MEAN), CLS_MEAN_DIMS),
    "dinov2, pooler": (replace(DINOV2, pooling=Pooling.POOLER), DIMS),
    "resnet": (RESNET, RESNET_DIMS),
    "resnet, plain": (replace(RESNET, fold_batch_norm=False, channels_last=False), RESNET_DIMS),
}
PACKAGED = ("efficientnet_lite0", "efficientnet_lite1")


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    spec, dims = CASES[request.param]
    library, network = local_library(tmp_path_factory.mktemp("weights"), spec, dims=dims)
    return spec, network, loaded(library)


def plain_blocks(network) -> list[torch.nn.Module]:
    if hasattr(network, "layer4"):
        return [network.layer1, network.layer2, network.layer3, network.layer4]
    return list(network.encoder.layer if hasattr(network, "encoder") else network.blocks)


def plain_levels(spec, network, images) -> dict[str, np.ndarray]:
    """Run the network as its library does, and keep every block's output."""
    outputs = []
    hooks = [
        block.register_forward_hook(lambda _module, _given, out: outputs.append(out))
        for block in plain_blocks(network)
    ]
    with torch.inference_mode():
        high = plain_high(spec, network, images)
        taps = spec.taps or {5: Taps(1, 3), 4: Taps(1, 2)}[len(outputs)]
        low, mid = (plain_read(spec, network, outputs[tap]) for tap in (taps.low, taps.mid))
    for hook in hooks:
        hook.remove()
    return {"low": low.numpy(), "mid": mid.numpy(), "high": high.numpy()}


def plain_read(spec, network, output):
    if output.ndim == 4:
        return output.mean((2, 3))
    if spec.norm_intermediates:
        output = (network.layernorm if hasattr(network, "layernorm") else network.norm)(output)
    return output[:, 0]


def plain_high(spec, network, images):
    if hasattr(network, "encoder"):
        output = network(pixel_values=images)
        tokens, n_prefix = output.last_hidden_state, 1
    elif spec.pooling is Pooling.AVERAGE:
        return network(images)
    else:
        tokens, n_prefix = network.forward_features(images), 1 + spec.kwargs.get("reg_tokens", 0)
    if spec.pooling is Pooling.CLS_MEAN:
        return torch.cat([tokens[:, 0], tokens[:, n_prefix:].mean(1)], 1)
    return tokens[:, 0]


def test_one_forward_gives_what_a_plain_one_gives(case):
    spec, network, encoder = case
    batch = tiles(4)
    expected = plain_levels(spec, network, normalised(batch))
    for level, array in encoder.encode(batch).items():
        assert array.dtype == np.float32
        tolerance = 2e-4 if spec.fold_batch_norm else 1e-6
        np.testing.assert_allclose(
            array, expected[level], rtol=tolerance, atol=tolerance, err_msg=level
        )
        assert np.ptp(array, axis=0).max() > 1e-3, "levels differ between tiles"


def test_the_blocks_are_run_once(case):
    _, _, encoder = case
    calls = []
    hooks = [block.register_forward_hook(lambda *_: calls.append(1)) for block in encoder.blocks]
    encoder.encode(tiles(4))
    for hook in hooks:
        hook.remove()
    assert len(calls) == len(encoder.blocks)


def test_bytes_do_not_depend_on_the_rest_of_the_batch(case):
    _, _, encoder = case
    batch = tiles(7)
    together = encoder.encode(batch)
    for start, stop in ((0, 1), (2, 5), (6, 7)):
        alone = encoder.encode(batch[start:stop])
        assert all(np.array_equal(together[n][start:stop], alone[n]) for n in together)


def test_threads_share_an_encoder(case):
    _, _, encoder = case
    batches = [tiles(3, seed=seed) for seed in range(6)]
    alone = [encoder.encode(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        shared = list(pool.map(encoder.encode, batches))
    for one, other in zip(alone, shared, strict=True):
        assert all(np.array_equal(one[level], other[level]) for level in one)


def test_tensors_and_arrays_are_taken_alike_and_nothing_gives_nothing(case):
    _, _, encoder = case
    batch = tiles(2)
    of_array, of_tensor = encoder.encode(batch), encoder.encode(torch.from_numpy(batch))
    assert all(np.array_equal(of_array[level], of_tensor[level]) for level in of_array)
    batch.flags.writeable = False
    turned = encoder.encode(batch[::-1])
    assert all(np.array_equal(of_array[level][::-1], turned[level]) for level in turned)
    empty = encoder.encode(batch[:0])
    assert {n: a.shape for n, a in empty.items()} == {
        n: (0, dim) for n, dim in encoder.identity.dims.model_dump().items()
    }


def test_bfloat16_is_near_and_says_so(tmp_path):
    library, _ = local_library(tmp_path, VIT)
    full = loaded(library)
    half = load_encoder("small", device="cpu", precision=Precision.BFLOAT16, library=library)
    assert (full.precision, half.precision) == ("float32", "bfloat16")
    batch = tiles(4)
    exact, near = full.encode(batch), half.encode(batch)
    for level, array in near.items():
        assert array.dtype == np.float32
        assert not np.array_equal(array, exact[level])
        np.testing.assert_allclose(array, exact[level], atol=0.1, rtol=0.1)


def test_a_teacher_that_bfloat16_would_change_is_run_in_float32(tmp_path):
    library, _ = local_library(tmp_path, RESNET, dims=RESNET_DIMS)
    asked = load_encoder("small", device="cpu", precision=Precision.BFLOAT16, library=library)
    assert asked.precision == "float32"
    batch = tiles(2)
    for level, array in loaded(library).encode(batch).items():
        np.testing.assert_array_equal(asked.encode(batch)[level], array)


@pytest.mark.parametrize("bad", [np.zeros((1, 28, 28, 3)), np.zeros((1, 28, 28, 4), np.uint8)])
def test_other_than_rgb_bytes_is_refused(case, bad):
    with pytest.raises(ConfigError, match=r"expected uint8 \[n, h, w, 3\]"):
        case[2].encode(bad)


def test_widths_that_are_not_as_catalogued_are_refused(tmp_path):
    library, _ = local_library(tmp_path, VIT, dims=LevelDims(low=32, mid=16, high=32))
    with pytest.raises(ConfigError, match=r"level mid has shape \[32\].*says \[16\]"):
        loaded(library)


def test_a_size_that_the_network_does_not_take_is_refused_at_loading(tmp_path):
    library, _ = local_library(tmp_path, VIT)
    small = library.entry("small")
    larger = replace(small.transform, input_px=42, resize_px=42)
    catalogue = Catalogue({"small": replace(small, transform=larger)})
    with pytest.raises(ConfigError, match="cannot be run on 42 px"):
        loaded(replace(library, catalogue=catalogue))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (replace(AVERAGE, kwargs=VIT.kwargs), "set kwargs.global_pool: avg"),
        (replace(AVERAGE, pooling=Pooling.CLS), "set kwargs.global_pool: token"),
        (replace(RESNET, norm_intermediates=True), "has no tokens"),
        (replace(VIT, architecture="vgg11", kwargs={}, pooling=Pooling.AVERAGE), "no blocks"),
        (replace(DINOV2, pooling=Pooling.AVERAGE), "use pooling: cls"),
        (replace(DINOV2, kwargs={"hiden_size": 32}), "has no setting hiden_size"),
        (replace(DINOV2, architecture="nothing"), "transformers refuses it"),
        (replace(DINOV2, architecture="bert", kwargs={}), "takes no images"),
    ],
)
def test_what_cannot_be_read_out_of_a_network_is_named(spec, message):
    with pytest.raises(ConfigError, match=message), torch.device("meta"):
        wire(build_network(spec, beside=Beside()), spec)


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_encoders_give_what_the_plain_model_gives(name):
    entry = shipped_catalogue().entry(name)
    encoder = load_encoder(name, device="cpu")
    side = encoder.input_px
    batch = tiles(2, side_px=side)
    levels = encoder.encode(batch)
    images = torch.from_numpy(batch).permute(0, 3, 1, 2) / 127.5 - 1.0
    model = timm.create_model(entry.network.architecture, pretrained=False)
    stored = torch.load(packaged_file(entry.source), map_location="cpu", weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), stored.values(), strict=True)))
    with torch.inference_mode():
        stages = [model.eval().bn1(model.conv_stem(images))]
        for block in model.blocks:
            stages.append(block(stages[-1]))
        expected = {
            "low": stages[3].mean((2, 3)),
            "mid": stages[5].mean((2, 3)),
            "high": model.forward_head(model.forward_features(images), pre_logits=True),
        }
    for level, tensor in expected.items():
        assert levels[level].shape == (2, getattr(entry.dims, level))
        np.testing.assert_allclose(levels[level], tensor.numpy(), atol=2e-3, rtol=1e-3)
    alone = encoder.encode(batch[1:])
    assert all(np.array_equal(levels[level][1:], alone[level]) for level in levels)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is visible")
def test_a_gpu_that_is_absent_is_a_configuration_error():
    with pytest.raises(ConfigError, match="no GPU"):
        load_encoder("efficientnet_lite0", device="cuda:0")
