"""How a long text is covered by overlapping windows. It needs no torch: heads walk long sentences in windows, too."""


def window_spans(n: int, size: int, stride: int) -> list[tuple[int, int, int, int]]:
    """Cover ``n`` pieces by windows: (start, end, first and last + 1 piece that count here). The latter partition n."""
    if n <= size:
        return [(0, n, 0, n)]
    starts = [*range(0, n - size, stride), n - size]
    borders = [0] + [(a + size + b) // 2 for a, b in zip(starts, starts[1:])] + [n]
    return [(start, start + size, borders[i], borders[i + 1]) for i, start in enumerate(starts)]
