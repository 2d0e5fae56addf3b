"""Taps: what some blocks put out during one forward, kept apart for every call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil

from torch import Tensor, nn

from shazam.errors import ConfigError
from shazam.teachers.entry import Taps

Read = Callable[[Tensor], Tensor]


def taps_of(n_blocks: int) -> Taps:
    """Return the taps by the formula: after block ceil(L/3) and ceil(2L/3), counted from 0.

    Args:
        n_blocks: number L of blocks, at least 1.
    """
    return Taps(low=ceil(n_blocks / 3) - 1, mid=ceil(2 * n_blocks / 3) - 1)


class BlockTaps:
    """Hooks on blocks that hand over their outputs to the call in hand.

    The outputs go into a context variable, so threads that share a network never see each
    other's, and nothing is kept when a call ends.
    """

    def __init__(self, blocks: Sequence[nn.Module], *, taps: Taps, read: Read) -> None:
        if taps.mid >= len(blocks):
            raise ConfigError(
                f"taps: mid ({taps.mid}) is impossible; the network has {len(blocks)} blocks, "
                f"counted from 0 to {len(blocks) - 1}"
            )
        self._found: ContextVar[dict[str, Tensor] | None] = ContextVar("found", default=None)
        self._read = read
        for level, tap in (("low", taps.low), ("mid", taps.mid)):
            blocks[tap].register_forward_hook(self._hook(level))

    @contextmanager
    def record(self) -> Iterator[Mapping[str, Tensor]]:
        """Give a mapping that the forward inside the block fills: level to ``[n, dim]``."""
        found: dict[str, Tensor] = {}
        token = self._found.set(found)
        try:
            yield found
        finally:
            self._found.reset(token)

    def _hook(self, level: str) -> Callable[[nn.Module, object, Tensor | tuple[Tensor]], None]:
        def hook(_block: nn.Module, _given: object, output: Tensor | tuple[Tensor]) -> None:
            found = self._found.get()
            if found is not None:
                found[level] = self._read(output[0] if isinstance(output, tuple) else output)

        return hook
