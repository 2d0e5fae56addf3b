"""Files of torch.save: the tuples of the original Shazam, single tensors, and dicts of tensors.

Nothing is unpickled but tensors and plain containers: what a file asks for beyond these is named
and refused, before any of it runs.
"""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shazam.errors import (
    FeatureError,
    SlideError,
    UnknownLayoutError,
    UnreadableFeaturesError,
    UnsafeFileError,
)
from shazam.features.imports.arrays import Found, as_features, as_labels, check_size
from shazam.features.imports.bag import ImportedBag, ImportOptions
from shazam.features.imports.layouts import Layout
from shazam.features.imports.named import NamedArrays, read_named
from shazam.features.stored_levels import LEVELS

_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
_OTHER_OPERATION = "Unsupported op"
_DAMAGE = (
    *(OSError, RuntimeError, EOFError, ValueError, TypeError, KeyError, IndexError),
    *(AttributeError, AssertionError, MemoryError, OverflowError, struct.error),
)


def read_torch(path: Path, *, options: ImportOptions) -> ImportedBag:
    """Read the features of a file that torch.save wrote.

    Args:
        path: the file.
        options: what the file does not say of itself.

    Raises:
        UnsafeFileError: it asks for more than tensors and plain containers.
        UnreadableFeaturesError: it is damaged or no such file.
        UnknownLayoutError: it is not clear which tensor is meant.
        FeatureError: a tensor has a wrong type or shape.
    """
    match _loaded(path):
        case Tensor() as tensor:
            return _of_sequence([tensor], options=options)
        case Mapping() as named:
            return _of_dict(named, options=options)
        case tuple() | list() as several:
            return _of_sequence(several, options=options)
        case other:
            raise UnknownLayoutError(
                f"{path.name}: holds a {type(other).__name__}, not tensors; save a tensor, a tuple "
                "or a dict of tensors"
            )


def _loaded(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions of the format, not about the content
            return torch.load(path, weights_only=True, map_location="cpu")
    except UnpicklingError as error:
        raise _refusal(path, str(error)) from error
    except _DAMAGE as error:
        raise UnreadableFeaturesError(f"{path.name}: damaged: {_first(str(error))}") from error


def _refusal(path: Path, message: str) -> SlideError:
    wanted = _wanted(path) or sorted(set(_GLOBAL.findall(message)))
    if wanted or _OTHER_OPERATION in message:
        return UnsafeFileError(
            f"{path.name}: asks to run {', '.join(wanted) or 'more than tensors need'}; nothing "
            "was run. Get it from a source you trust and save its tensors alone"
        )
    return UnreadableFeaturesError(f"{path.name}: not a file of tensors: {_first(message)}")


def _wanted(path: Path) -> list[str]:
    """Return the names that a file wants imported, without importing them."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (UnpicklingError, *_DAMAGE):
        return []


def _first(message: str) -> str:
    return message.strip().split("\n", maxsplit=1)[0][:200]


def _of_sequence(values: Sequence[object], *, options: ImportOptions) -> ImportedBag:
    tensors = [value for value in values if isinstance(value, Tensor)]
    if len(tensors) != len(values) or not tensors:
        kinds = ", ".join(type(value).__name__ for value in values) or "nothing"
        raise UnknownLayoutError(f"a sequence of {kinds}, not of tensors; save the tensors alone")
    if len(tensors) == 2 and _is_labelled(*tensors, layout=options.layout):
        bag = _of_levels(tensors[:1], options=options)
        labels = as_labels(_whole(tensors[1]), "labels", n_tiles=bag.n_tiles)
        return replace(bag, labels=labels, layout="torch labelled")
    if options.layout is Layout.LABELLED:
        raise UnknownLayoutError(f"{_shapes(tensors)}: --layout labelled needs (features, labels)")
    return _of_levels(tensors, options=options)


def _is_labelled(features: Tensor, labels: Tensor, *, layout: Layout | None) -> bool:
    if layout is not None:
        return layout is Layout.LABELLED
    n_labels = max(labels.shape, default=0)
    whole = not labels.is_floating_point() and not labels.is_complex()
    if features.is_floating_point() and whole and labels.numel() == n_labels:
        return True
    if all(tensor.is_floating_point() and tensor.ndim > 1 for tensor in (features, labels)):
        raise UnknownLayoutError(
            f"{_shapes([features, labels])}: two levels, or features and labels? Say --layout "
            "levels (with one --level for each) or labelled"
        )
    raise UnknownLayoutError(
        f"{_shapes([features, labels])}: not (features, labels) with whole numbers as labels; say "
        "--layout levels or labelled if they are meant"
    )


def _of_levels(tensors: Sequence[Tensor], *, options: ImportOptions) -> ImportedBag:
    usual = {1: ("high",), len(LEVELS): LEVELS}
    names = options.levels or usual.get(len(tensors), ())
    if len(names) != len(tensors):
        raise UnknownLayoutError(
            f"{_shapes(tensors)}: {len(tensors)} tensor(s) for {len(names)} level(s); give one "
            "--level for each, or --layout labelled for (features, labels)"
        )
    levels = {
        level: as_features(_array(tensor, level), level)
        for level, tensor in zip(names, tensors, strict=True)
    }
    return ImportedBag(levels=levels, layout="torch")


def _of_dict(named: Mapping[Any, object], *, options: ImportOptions) -> ImportedBag:
    tensors = {str(name): value for name, value in named.items() if isinstance(value, Tensor)}
    found = {
        name: Found(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), _n_bytes(tensor))
        for name, tensor in tensors.items()
    }
    told = {
        str(name): value for name, value in named.items() if isinstance(value, str | int | float)
    }
    arrays = NamedArrays(found=found, read=lambda name: _array(tensors[name], name))
    return read_named(arrays, options=options, layout="torch dict", attributes=told)


def _array(tensor: Tensor, name: str) -> npt.NDArray[Any]:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        raise FeatureError(f"'{name}' is a sparse, quantised or empty tensor; save a dense one")
    check_size(name, Found(tuple(tensor.shape), str(tensor.dtype), _n_bytes(tensor)))
    if tensor.untyped_storage().nbytes() < _n_bytes(tensor):
        raise FeatureError(f"'{name}' repeats one small block of memory; save a contiguous tensor")
    dense = tensor.detach()
    if dense.dtype is torch.bfloat16 or (
        dense.is_floating_point() and dense.element_size() < torch.float16.itemsize
    ):
        dense = dense.float()  # numpy has no such type; every value is kept
    array: npt.NDArray[Any] = dense.resolve_conj().resolve_neg().numpy()
    return array


def _whole(labels: Tensor) -> npt.NDArray[Any]:
    array = _array(labels, "labels")
    if array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.rint(array)).all():
        return array.astype(np.int64)
    return array


def _n_bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _shapes(tensors: Sequence[Tensor]) -> str:
    return " and ".join(
        f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}" for tensor in tensors
    )
