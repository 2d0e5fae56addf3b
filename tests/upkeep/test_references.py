"""What is reachable stays: random graphs of keys against a closure by matrices."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shazam.upkeep.references import References

ITEMS = [f"manifests/s/{number}" for number in range(9)]
NAMES = [f"digest{number}" for number in range(7)]


@st.composite
def graphs(draw: st.DrawFn) -> References:
    names, items = st.sets(st.sampled_from([*NAMES, "stranger"])), st.sets(st.sampled_from(ITEMS))
    return References(
        mentions={item: draw(names) for item in draw(items)},
        meant={name: draw(items) for name in draw(names) if name != "stranger"},
    )


some_items, some_names = st.sets(st.sampled_from(ITEMS)), st.sets(st.sampled_from(NAMES))


def closure(references: References, items: set[str], names: set[str]) -> set[str]:
    """The powers of the matrix of direct references, started from the roots."""
    size = len(ITEMS)
    direct = np.eye(size, dtype=bool)
    for item, mentioned in references.mentions.items():
        for name in mentioned:
            for other in references.meant.get(name, ()):
                direct[ITEMS.index(item), ITEMS.index(other)] |= other in references.mentions
    reached = np.linalg.matrix_power(direct.astype(float), size) > 0
    roots = items | {item for name in names for item in references.meant.get(name, ())}
    return {
        ITEMS[column]
        for root in roots & references.mentions.keys()
        for column in range(size)
        if reached[ITEMS.index(root), column]
    }


@given(graphs(), some_items, some_names)
def test_exactly_what_is_reachable_stays(references, items, names):
    kept = references.reachable(items=items, names=names)
    assert kept == closure(references, items, names)
    assert items & references.mentions.keys() <= kept


@given(graphs(), some_items, some_items, some_names)
def test_more_roots_never_lose_anything(references, items, more, names):
    kept = references.reachable(items=items, names=names)
    assert kept <= references.reachable(items=items | more, names=names)
    assert references.reachable(items=kept) == kept


@given(graphs())
def test_nothing_is_kept_for_nobody(references):
    assert references.reachable() == frozenset()
