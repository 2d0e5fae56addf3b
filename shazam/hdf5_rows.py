"""Rows of HDF5 arrays, read from where they lie in the file."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from shazam.hdf5 import DAMAGE, Array, require, unreadable


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Where the rows of an array lie in its file: chunks of equally many rows, one after another.

    Reading them needs no lock of the HDF5 library, so threads read side by side, and only the rows
    that are wanted are read. Checksums are not compared: whoever reads has compared the digest of
    the file.

    Args:
        path: the file.
        n_rows: of the array.
        dim: values of a row.
        dtype: of a value.
        rows_per_chunk: of every chunk but the last, which is filled up.
        offsets: bytes from the start of the file, by chunk.
    """

    path: Path
    n_rows: int
    dim: int
    dtype: np.dtype[np.generic]
    rows_per_chunk: int
    offsets: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self.dim * self.dtype.itemsize

    def single(self) -> Iterator[StoredRows]:
        """Return where each row by itself lies."""
        for number in range(self.n_rows):
            chunk, within = divmod(number, self.rows_per_chunk)
            offset = self.offsets[chunk] + within * self.row_bytes
            yield replace(self, n_rows=1, rows_per_chunk=1, offsets=(offset,))

    def read(self, out: Array, *, rows: npt.NDArray[np.int64] | None = None) -> None:
        """Read rows into an array ``[n, dim]`` that is contiguous and of the same type.

        Args:
            out: where they go.
            rows: which, increasing; None reads all.

        Raises:
            ArtifactError: the file is missing or ends too early.
        """
        target = out.view(np.uint8).reshape(-1).data
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise unreadable(self.path, error) from error
        try:
            for begin, end, offset in self._runs(rows):
                n_read = os.preadv(handle, [target[begin:end]], offset)
                if n_read != end - begin:
                    self._read_rest(handle, target[begin + n_read : end], offset + n_read)
        except OSError as error:
            raise unreadable(self.path, error) from error
        finally:
            os.close(handle)

    def _read_rest(self, handle: int, target: memoryview, offset: int) -> None:
        done = 0
        while done < len(target):
            n_read = os.preadv(handle, [target[done:]], offset + done)
            if n_read == 0:
                raise unreadable(self.path, EOFError("it ends too early"))
            done += n_read

    def _runs(self, rows: npt.NDArray[np.int64] | None) -> Iterator[tuple[int, int, int]]:
        """Give (first byte and byte after the last one of the target, place in the file) of rows
        that lie side by side in one chunk."""
        if rows is None:
            starts = np.arange(0, self.n_rows, self.rows_per_chunk)
            firsts, n_rows = starts, self.n_rows
        else:
            apart = (np.diff(rows) != 1) | (np.diff(rows // self.rows_per_chunk) != 0)
            starts = np.flatnonzero(np.concatenate([[len(rows) > 0], apart]))
            firsts, n_rows = rows[starts], len(rows)
        chunks, within = np.divmod(firsts, self.rows_per_chunk)
        places = np.asarray(self.offsets, dtype=np.int64)[chunks] + within * self.row_bytes
        borders = (np.append(starts, n_rows) * self.row_bytes).tolist()
        return zip(borders[:-1], borders[1:], places.tolist(), strict=True)


def locate_rows(path: Path, names: Sequence[str]) -> dict[str, StoredRows]:
    """Return where the rows of arrays ``[n, dim]`` lie that :func:`write_arrays` wrote.

    Raises:
        ArtifactError: the file is missing, damaged, lacks an array or is laid out in another way.
    """
    try:
        with h5py.File(path, "r") as file:
            require(path, names, file)
            return {name: _located(path, file[name]) for name in names}
    except DAMAGE as error:
        raise unreadable(path, error) from error


def _located(path: Path, array: h5py.Dataset) -> StoredRows:
    plain = array.compression is None and not array.shuffle and array.scaleoffset is None
    if array.ndim != 2 or not plain or array.chunks is None or array.chunks[1] != array.shape[1]:
        raise ValueError(f"array {array.name} is not laid out in chunks of plain rows")
    rows_per_chunk = int(array.chunks[0])
    n_chunks = math.ceil(len(array) / rows_per_chunk)
    offsets = {}
    for index in range(array.id.get_num_chunks()):
        info = array.id.get_chunk_info(index)
        offsets[info.chunk_offset[0] // rows_per_chunk] = int(info.byte_offset)
    if sorted(offsets) != list(range(n_chunks)):
        raise ValueError(f"array {array.name} lacks chunks")
    return StoredRows(
        path=path,
        n_rows=len(array),
        dim=int(array.shape[1]),
        dtype=array.dtype,
        rows_per_chunk=rows_per_chunk,
        offsets=tuple(offsets[number] for number in range(n_chunks)),
    )
