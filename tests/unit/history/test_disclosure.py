"""De-identified counts: nothing small is shown, nothing is lost, and nobody can tell a small cell by subtracting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.history.disclosure import LEAST_SMALLEST, Cell, Group, partition

_KEY = bytes(32)
_KEYS = st.binary(min_size=32, max_size=32)
_VALUES = st.sampled_from([None, "a", "b", "c"])
_TABLES = st.dictionaries(
    st.tuples(_VALUES, _VALUES, _VALUES, _VALUES), st.integers(min_value=1, max_value=14), max_size=40
)


def _inside(cell: Cell, group: Group) -> bool:
    return cell[: len(group.values)] == group.values


def _group_of(cell: Cell, groups: list[Group]) -> Group:
    """The deepest group above a cell: that is where its dossiers are counted."""
    return max((group for group in groups if _inside(cell, group)), key=lambda group: len(group.values))


@given(_TABLES, st.integers(min_value=LEAST_SMALLEST, max_value=12), _KEYS)
def test_every_dossier_is_in_one_group_and_no_group_is_small(
    counts: dict[Cell, int], smallest: int, key: bytes
) -> None:
    groups = partition(counts, smallest, key)
    if sum(counts.values()) < smallest:
        assert groups == []
        return
    held: dict[Group, int] = defaultdict(int)
    for cell, count in counts.items():
        held[_group_of(cell, groups)] += count
    assert held == {group: group.dossiers for group in groups}
    assert all(group.dossiers >= smallest for group in groups)
    assert len({group.values for group in groups}) == len(groups)


@given(_TABLES, st.integers(min_value=LEAST_SMALLEST, max_value=8), _KEYS)
def test_the_same_table_gives_the_same_groups(counts: dict[Cell, int], smallest: int, key: bytes) -> None:
    turned = dict(reversed(counts.items()))
    assert partition(counts, smallest, key) == partition(turned, smallest, key)


def test_large_cells_are_shown_as_they_are() -> None:
    counts: dict[Cell, int] = {("u", "p", "online", "on time"): 9, ("u", "p", "online", "late"): 7}
    assert partition(counts, 5, _KEY) == [
        Group(("u", "p", "online", "late"), 7),
        Group(("u", "p", "online", "on time"), 9),
    ]


def test_a_small_cell_takes_a_larger_one_with_it_so_that_the_total_does_not_give_it_away() -> None:
    counts: dict[Cell, int] = {
        ("u", "p", "online", "on time"): 90,
        ("u", "p", "online", "open"): 60,
        ("u", "p", "online", "late"): 1,
    }
    groups = partition(counts, 5, _KEY)
    assert sum(group.dossiers for group in groups) == 151
    assert len(groups) == 2
    assert groups[0].values == ("u", "p", "online")
    assert groups[0].dossiers in (91, 61)


def test_too_few_in_the_whole_are_not_given_at_all() -> None:
    assert partition({("u", "p", "online", "late"): 4}, 5, _KEY) == []


def test_a_smallest_group_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 3"):
        partition({}, 2, _KEY)


def _tables(shape: tuple[int, int, int, int], total: int) -> Iterator[dict[Cell, int]]:
    """Every table of this shape with this total."""
    cells = list(product(*("abcd"[:size] for size in shape)))
    for bars in combinations(range(total + len(cells) - 1), len(cells) - 1):
        edges = (-1, *bars, total + len(cells) - 1)
        sizes = [high - low - 1 for low, high in pairwise(edges)]
        yield {cell: size for cell, size in zip(cells, sizes, strict=True) if size}


def _marginals(counts: dict[Cell, int]) -> dict[tuple[str | None, ...], int]:
    """Every sum that somebody might want to know: of each choice of values of some of the dimensions."""
    found: dict[tuple[str | None, ...], int] = defaultdict(int)
    for cell, count in counts.items():
        for kept in product((True, False), repeat=4):
            found[tuple(value if keep else "*" for value, keep in zip(cell, kept, strict=True))] += count
    return found


@pytest.mark.parametrize(
    ("shape", "most", "smallest"),
    [
        ((1, 1, 1, 2), 14, 3),
        ((1, 1, 1, 3), 16, 3),
        ((1, 1, 1, 3), 16, 4),
        ((1, 1, 1, 4), 14, 3),
        ((1, 1, 2, 2), 14, 3),
        ((2, 1, 2, 1), 13, 4),
        ((2, 2, 1, 1), 14, 3),
        ((1, 2, 1, 3), 8, 3),
    ],
)
@pytest.mark.parametrize("key", [_KEY, bytes([7]) * 32])
def test_who_knows_everything_but_the_counts_can_tell_no_small_one(
    shape: tuple[int, int, int, int], most: int, smallest: int, key: bytes
) -> None:
    """The strongest attacker: he knows the rule, the secret order, and which values there are, and goes through all
    tables that would have given what he sees. A small sum that is the same in all of these is one that he can tell."""
    for total in range(smallest, most + 1):
        alike: dict[tuple[Group, ...], list[dict[tuple[str | None, ...], int]]] = defaultdict(list)
        for counts in _tables(shape, total):
            alike[tuple(partition(counts, smallest, key))].append(_marginals(counts))
        for seen, candidates in alike.items():
            small = {what for sums in candidates for what, size in sums.items() if size < smallest}
            for what in small:
                sizes = {sums.get(what, 0) for sums in candidates}
                assert len(sizes) > 1, (seen, what, sizes)
