"""What a bundle proves: the verdict made again from evidence that names nobody."""

from shazam.promotion.evidence.inputs import Inputs
from shazam.promotion.evidence.pseudonyms import Pseudonyms, pseudonyms_of
from shazam.promotion.evidence.recompute import Recomputed, recompute
from shazam.promotion.evidence.seen import KeyedSeen, read_keyed_seen

__all__ = [
    "Inputs",
    "KeyedSeen",
    "Pseudonyms",
    "Recomputed",
    "pseudonyms_of",
    "read_keyed_seen",
    "recompute",
]
