"""Plain tables for the benchmarks."""

from __future__ import annotations


class Table:
    """A titled table; the first column is text, the others are figures."""

    def __init__(self, title: str, header: tuple[str, ...]) -> None:
        self.title = title
        self.rows: list[tuple[str, ...]] = [header]

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def print(self) -> None:
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        print(f"\n{self.title}")
        for number, row in enumerate(self.rows):
            first, *figures = zip(row, widths, strict=True)
            print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in figures)]))
            if number == 0:
                print("  ".join("-" * width for width in widths))
