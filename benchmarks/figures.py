"""Figures: several values of the same thing, told as median and range. Measures nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Figure:
    """One line of a table. `values` holds one value for each repeat."""

    name: str
    unit: str = ""
    values: list[float] = field(default_factory=list)

    @property
    def told(self) -> str:
        """`median (lowest-highest)`, or the one value."""
        if not self.values:
            return "-"
        middle, low, high = median(self.values), min(self.values), max(self.values)
        words = short(middle)
        if short(low) != short(high):
            words += f" ({short(low)}-{short(high)})"
        return f"{words} {self.unit}".rstrip()


@dataclass
class Report:
    """What one benchmark found: its figures in order, and remarks in plain words."""

    name: str
    figures: dict[str, Figure] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str = "") -> None:
        """One more value of a figure."""
        self.figures.setdefault(name, Figure(name, unit)).values.append(value)

    def ratio(self, name: str, over: str, under: str) -> None:
        """A figure divided by another, repeat by repeat: both were measured side by side."""
        above, below = self.figures[over].values, self.figures[under].values
        for a, b in zip(above, below, strict=True):
            self.add(f"ratio: {name}", a / b if b else 0.0)

    def lines(self) -> list[str]:
        """The table as people read it."""
        width = max((len(name) for name in self.figures), default=0)
        told = [f"  {figure.name:<{width}}  {figure.told}" for figure in self.figures.values()]
        return [f"== {self.name}", *told, *(f"  {remark}" for remark in self.remarks)]


def short(value: float) -> str:
    """Three digits are more than a shared machine knows."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def percentile(values: Iterable[float], part: float) -> float:
    """The value that `part` (0 to 1) of the values do not exceed."""
    ordered: Sequence[float] = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0
