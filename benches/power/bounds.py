"""Exact bounds of rates, over sets of photos."""
import math


def exact(k, n, level=0.95):
    """Clopper and Pearson, by bisection of the binomial tail."""
    if n == 0:
        return 0.0, 1.0
    tail = lambda p, lo, hi: sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(lo, hi))
    alpha = (1 - level) / 2
    low = 0.0 if k == 0 else _root(lambda p: tail(p, k, n + 1) < alpha)
    high = 1.0 if k == n else _root(lambda p: tail(p, 0, k + 1) > alpha)
    return low, high


def _root(is_below):
    a, b = 0.0, 1.0
    for _ in range(60):
        middle = (a + b) / 2
        a, b = (middle, b) if is_below(middle) else (a, middle)
    return a


def share(k, n):
    if n == 0:
        return "none"
    low, high = exact(k, n)
    return f"{k:3} of {n:3} ({100 * low:5.1f} to {100 * high:5.1f} %)"


def by_set(rows):
    """Rows that share photos, together."""
    sets = {}
    for row in rows:
        sets.setdefault(row.case.key, []).append(row)
    return list(sets.values())


def sets_with_all(rows, holds):
    """In how many sets of photos every row meets a condition, and how many sets there are."""
    sets = by_set(rows)
    return sum(all(holds(row) for row in rows) for rows in sets), len(sets)


def sets_with_any(rows, holds):
    """In how many sets of photos at least one row meets a condition, and how many sets there are."""
    sets = by_set(rows)
    return sum(any(holds(row) for row in rows) for rows in sets), len(sets)
