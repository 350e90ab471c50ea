"""What changed between two runs."""

from datetime import datetime
from typing import ClassVar

from benchmark.results.schema import Stored, StoredFile


class Change(Stored):
    """One number in both runs.

    Attributes:
        old: In the old run; None where it has none.
        new: In the new one.
        difference: New − old; where `how` says paired, of the clips that both runs have.
        low: Lower end of its 95 % interval; None where there is none.
        high: Its upper end.
        how: `paired`, on common clips; `unpaired`; None where there is no interval.
    """

    old: float | None = None
    new: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    how: str | None = None

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the interval of the difference leaves out zero.

        Examples:
            >>> Change(old=0.5, new=0.6, difference=0.1, low=0.02, high=0.18).is_beyond_chance
            True
        """
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class RowChange(Stored):
    """One candidate on one corpus, device, backend and dtype, in both runs or in one.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it; None for a candidate that was not evaluated.
        device: With backend and dtype, what the latency belongs to.
        backend: `torch`, …
        dtype: `float32`, …
        presence: `both`, `old` (it went) or `new` (it came).
        common_clips: Scored clips that both runs have, on which the scores were paired; None where they were not.
        numbers: Every column that has a number in either run. A difference of `latency_p50_ms` has an interval of its
            own: of the ratio of the medians, as a share of the old one, in `latency_ratio`.
        latency_ratio: The new median by the old one, minus 1.
        flags_came: Flags that the old row does not have.
        flags_went: Flags that the new row does not have.
        old_revision: The revision that was measured in the old run.
        new_revision: In the new one.
    """

    candidate: str
    corpus: str | None
    device: str | None = None
    backend: str | None = None
    dtype: str | None = None
    presence: str = "both"
    common_clips: int | None = None
    numbers: dict[str, Change] = {}
    latency_ratio: Change | None = None
    flags_came: tuple[str, ...] = ()
    flags_went: tuple[str, ...] = ()
    old_revision: str | None = None
    new_revision: str | None = None

    @property
    def name(self) -> str:
        """How sentences call it.

        Examples:
            >>> RowChange(candidate="a", corpus="calls", device="cpu", backend="torch", dtype="float32").name
            'a on calls (cpu, torch, float32)'
        """
        setting = ", ".join(part for part in (self.device, self.backend, self.dtype) if part)
        where = f" on {self.corpus}" if self.corpus else ""
        return f"{self.candidate}{where}" + (f" ({setting})" if setting else "")

    @property
    def changed(self) -> bool:
        """Whether anything differs at all."""
        return (
            self.presence != "both"
            or bool(self.flags_came or self.flags_went)
            or self.old_revision != self.new_revision
            or any(change.old != change.new or change.difference for change in self.numbers.values())
        )


class StatusChange(Stored):
    """A candidate that is another thing now, or was not there before.

    Attributes:
        candidate: What tables call it.
        old: Its status in the old run, `evaluated` where it has scores; None where it was not in the registry.
        new: In the new one.
        reason: Why, where the new run tells.
    """

    candidate: str
    old: str | None
    new: str | None
    reason: str | None = None


class GateResult(Stored):
    """Whether something that must not happen has happened.

    Attributes:
        gate: As the user wrote it.
        passed: Whether it did not happen.
        findings: Where it did, or could not be looked at, in sentences.
        checked: How many rows were looked at.
    """

    gate: str
    passed: bool
    findings: tuple[str, ...] = ()
    checked: int = 0


class RunComparison(StoredFile):
    """Two runs side by side.

    Attributes:
        old: The old run, as it was given.
        new: The new one.
        old_created: When the old run began.
        new_created: When the new one began.
        warnings: What makes the two hard to compare, in sentences.
        statuses: Candidates that came, went, or are something else now.
        rows: All rows of either run.
        gates: What came of the gates.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    old: str
    new: str
    old_created: datetime
    new_created: datetime
    warnings: tuple[str, ...] = ()
    statuses: tuple[StatusChange, ...] = ()
    rows: tuple[RowChange, ...] = ()
    gates: tuple[GateResult, ...] = ()

    @property
    def nothing_changed(self) -> bool:
        """Whether no row, status or circumstance differs."""
        return not self.statuses and not self.warnings and not any(row.changed for row in self.rows)
