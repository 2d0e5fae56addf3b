"""The error tree. A message says what is wrong, where, and what to do next.

Exit codes are those of every command: 0 done, 1 failed, 2 wrong use, 3 quarantined slides under
``--strict``, 4 too many quarantined, 5 gate failed or refused, 45 configuration error (do not
retry), 143 stopped cleanly.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    QUARANTINED = 3
    TOO_MANY_QUARANTINED = 4
    REFUSED = 5
    CONFIGURATION = 45
    STOPPED = 143


class ShazamError(Exception):
    """Root of all errors that a user can act upon."""

    exit_code: ExitCode = ExitCode.FAILED


class ConfigError(ShazamError):
    """The configuration or the user's table is wrong; a retry cannot help."""

    exit_code = ExitCode.CONFIGURATION


class AccessError(ConfigError):
    """A gated teacher: there is no token, or it has no access."""


class CohortError(ConfigError):
    """The cohort table has problems; all of them are listed at once, then how it was read."""

    def __init__(self, source: str, problems: Sequence[str], *, notes: Sequence[str] = ()) -> None:
        self.source = source
        self.problems = tuple(problems)
        self.notes = tuple(notes)
        lines = [f"  - {problem}" for problem in self.problems]
        lines += [f"  note: {note}" for note in self.notes]
        told = "\n".join(lines)
        super().__init__(f"{source}: {len(self.problems)} problem(s), nothing was written\n{told}")


class ArtifactError(ShazamError):
    """A file of the workspace is missing, altered or fails its check on publishing."""


class DiskFullError(ShazamError):
    """There is no room for what is to be written; what was published before is whole."""


class DeviceMemoryError(ShazamError):
    """A device has no room even for a single tile."""


class HubError(ShazamError):
    """The hub of models cannot be reached, or does not have what is asked for."""


class DataError(ShazamError):
    """A version of data cannot be made, sent, brought or checked; often its remote is to blame."""


class LeakError(ShazamError):
    """A case, site or slide stands in two parts of a split."""

    exit_code = ExitCode.REFUSED


class StoreError(ShazamError):
    """The model store cannot be reached, does not answer, or refuses; a retry may help."""


class StoreAccessError(ConfigError):
    """The model store wants other credentials; a retry cannot help."""


class SignatureError(ShazamError):
    """A signature does not hold, or what was signed is not what is there."""

    exit_code = ExitCode.REFUSED


class LedgerError(ShazamError):
    """The ledger is not whole, not the one that is trusted, or older than was seen before.

    ``seq`` is the number of the first entry that is wrong, if it is one entry's fault.
    """

    exit_code = ExitCode.REFUSED

    def __init__(self, message: str, *, seq: int | None = None) -> None:
        self.seq = seq
        super().__init__(message)


class ConflictError(ShazamError):
    """Another entry was appended to the ledger first; read it again before going on."""

    exit_code = ExitCode.REFUSED


class RefusedError(ShazamError):
    """The policy does not allow what is asked; ``reason`` is the stable name of the rule."""

    exit_code = ExitCode.REFUSED

    def __init__(self, message: str, *, reason: str) -> None:
        self.reason = reason
        super().__init__(message)


class GateFailedError(ShazamError):
    """A candidate was trained and judged, and a gate failed; it has no alias."""

    exit_code = ExitCode.REFUSED


class ContractError(ShazamError):
    """A critical expectation on the data does not hold."""


class QuarantineExceededError(ShazamError):
    """More slides were quarantined than the configuration allows."""

    exit_code = ExitCode.TOO_MANY_QUARANTINED


class SlideError(ShazamError):
    """One slide cannot be used. It is quarantined; the run goes on.

    ``reason`` is the stable name by which the quarantine list and the reports call it.
    """

    reason = "unusable"


class UnreadableSlideError(SlideError):
    """OpenSlide cannot open the slide or decode a region of it."""

    reason = "unreadable"


class EmptyFileError(UnreadableSlideError):
    """The slide's file has no bytes."""

    reason = "empty"


class WrongExtensionError(UnreadableSlideError):
    """The file is a plain image under the name of a slide format."""

    reason = "wrong_extension"


class NotWholeSlideError(UnreadableSlideError):
    """The file is a DICOM object, but no whole-slide image."""

    reason = "not_a_whole_slide"


class ImageTooLargeError(UnreadableSlideError):
    """What must be held in memory whole, a plain image or an overview, has too many pixels."""

    reason = "image_too_large"


class UnsupportedPixelsError(UnreadableSlideError):
    """The pixels of a plain image are not colours of 8 bits."""

    reason = "unsupported_pixels"


class NoResolutionError(SlideError):
    """The slide says no micrometres per pixel and the user supplied none."""

    reason = "no_resolution"


class ImplausibleResolutionError(SlideError):
    """The slide's micrometres per pixel lie outside what a scanner can produce."""

    reason = "implausible_resolution"


class TooCoarseError(SlideError):
    """Tiles would have to be enlarged more than the configuration allows."""

    reason = "too_coarse"


class NotBrightfieldError(SlideError):
    """The slide is dark where a stained section is white, as in fluorescence."""

    reason = "not_brightfield"


class NoTissueError(SlideError):
    """No tile of the slide holds enough tissue."""

    reason = "no_tissue"


class SlideChangedError(SlideError):
    """The slide's bytes are no longer those that were ingested."""

    reason = "changed_during_run"


class DecoderCrashedError(UnreadableSlideError):
    """The process that decoded the slide died of it."""

    reason = "decoder_crashed"


class FeatureError(SlideError):
    """A teacher gave features that cannot be used, such as NaN."""

    reason = "bad_features"


class UnreadableFeaturesError(SlideError):
    """A file of features made elsewhere is damaged, or not of the kind that it seems."""

    reason = "unreadable"


class UnsafeFileError(SlideError):
    """A file of features made elsewhere would run code, or reach for other files, when opened."""

    reason = "unsafe_file"


class UnknownLayoutError(SlideError):
    """A file of features made elsewhere can be read, but not which of its arrays is meant."""

    reason = "unknown_layout"


class TrainingError(ShazamError):
    """A fit went astray: its loss is NaN or infinite."""
