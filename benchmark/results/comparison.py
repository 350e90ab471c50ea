"""What changed between two runs."""

from datetime import datetime

from pydantic import computed_field

from benchmark.results.schema import Stored, StoredFile


class Change(Stored):
    """One number in both runs.

    Attributes:
        difference: New − old, with its 95 % interval from `low` to `high`.
        how: `paired`, on the clips that both runs have; `reference`, of latencies relative to the reference workload;
            `unpaired`; None for a score without an interval.
    """

    old: float | None = None
    new: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    how: str | None = None

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the interval of the difference excludes zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class RowChange(Stored):
    """One candidate on one corpus, device, backend and dtype, in both runs or in one.

    Attributes:
        corpus: None for a candidate that was not evaluated.
        presence: `both`, `old` (it was removed) or `new` (it was added).
        common_clips: Scored clips that both runs have, on which the scores were paired; None if they were not.
        numbers: Every column that has a number in either run.
        latency_ratio: The new latency divided by the old one, minus 1, with its own interval: relative to the
            reference workload where both runs have timed the same one, else of the medians.
        noisy: Whether either latency was measured on a disturbed machine.
        flags_came: Flags that the old row does not have; `flags_went`, that the new one does not have.
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
    noisy: bool = False
    flags_came: tuple[str, ...] = ()
    flags_went: tuple[str, ...] = ()
    old_revision: str | None = None
    new_revision: str | None = None

    @property
    def name(self) -> str:
        """The row in a sentence.

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
    """A candidate whose status is different: `evaluated` if it has scores, None if it was not in the registry."""

    candidate: str
    old: str | None
    new: str | None
    reason: str | None = None


class GateResult(Stored):
    """The result of a gate.

    Attributes:
        passed: None where noise decides: no row fails it, and some latencies may or may not.
        findings: Rows that fail it or cannot be judged, in sentences.
        checked: How many rows were judged.
    """

    gate: str
    passed: bool | None
    findings: tuple[str, ...] = ()
    checked: int = 0


class RunComparison(StoredFile):
    """Two runs, named as the user did, side by side.

    Attributes:
        gaps: What is missing of either run, in sentences.
        warnings: What makes the two hard to compare, in sentences.
        statuses: Candidates that were added or removed, or have another status.
        rows: All rows of either run.
    """

    old: str
    new: str
    old_created: datetime
    new_created: datetime
    gaps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    statuses: tuple[StatusChange, ...] = ()
    rows: tuple[RowChange, ...] = ()
    gates: tuple[GateResult, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def complete(self) -> bool:
        """Whether everything that both runs were asked for came to its end."""
        return not self.gaps

    @property
    def nothing_changed(self) -> bool:
        """Whether no row, status or circumstance differs."""
        return not (self.gaps or self.statuses or self.warnings or any(row.changed for row in self.rows))
