"""What `holdfast calibrate` was asked for: its options understood, its file opened, its rows measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from holdfast.cli.evaluate import chunks_of
from holdfast.cli.progress import is_large, progress_bar
from holdfast.content import Surface

if TYPE_CHECKING:
    from holdfast.measure.attributes import Columns, WantedAttribute
    from holdfast.measure.calibration import Aims, Calibration, Wanted
    from holdfast.measure.columns import Cell, Opened
    from holdfast.measure.evaluation import Chunk

_EACH = ""
"""Stands for every name in thresholds by name."""


class CalibrationJob(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, as it was given."""

    input: str
    label: tuple[str, ...]
    head: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    prevalence: tuple[str, ...]
    act: str
    review: str
    coverage: float
    from_perspective: bool
    score: tuple[str, ...]
    threshold: tuple[str, ...]
    mapping: dict[str, str]
    format: Literal["csv", "tsv", "jsonl", "parquet"] | None
    encoding: str | None
    surface: Surface
    quiet: bool

    def run(self, data: Path) -> Calibration:
        """Everything that is found. Raises errors of Holdfast's, told in terms of the options."""
        from holdfast.bulk.ahead import AheadEngine, spare_cores
        from holdfast.bulk.run import Progress
        from holdfast.decider import open_classifier, recalibration_of
        from holdfast.measure.attributes import check_heads
        from holdfast.measure.calibration import Calibrator, calibrate, check_head

        aims = self._aims()
        classifier = open_classifier(data)

        def checked_head(name: str, option: str) -> str:
            check_head(name, classifier, option)
            return name

        labels = self._named(self.label, "--label", checked_head, self.head)
        shares = self._named(self.prevalence, "--prevalence", checked_head, self.head)
        scores = self._scores(checked_head)
        thresholds = self._thresholds(checked_head)
        self._check(labels, scores, shares, thresholds)
        workers = spare_cores() if is_large(self.input) else 0
        with ExitStack() as stack:
            engine = stack.enter_context(AheadEngine([classifier], workers))
            opened, found = self._opened(labels, scores)
            stack.callback(opened.reader.close)
            attributes: list[WantedAttribute] = []
            if found is not None:
                check_heads(found.by_attribute, classifier.model.manifest.heads, self.input)
                attributes = _attributes(found, thresholds, opened.cells, self.input)
                scores = {}
            heads = [
                self._wanted(head, labels.get(head), scores.get(head), shares, thresholds, opened.cells)
                for head in dict.fromkeys([*labels, *scores])
            ]
            in_force = None if labels else recalibration_of(data)
            if in_force is not None:
                in_force.check(classifier.answering, classifier.model.manifest.heads)
            calibrator = Calibrator(
                engine, classifier, heads, aims, in_force,
                attributes=attributes, left_out=() if found is None else found.left_out,
            )  # fmt: skip
            bar = None if self.quiet else stack.enter_context(progress_bar(self.input))
            reader, done = opened.reader, 0

            def progress(chunk: Chunk) -> None:
                nonlocal done
                done += len(chunk.items) + len(chunk.rejected)
                if bar is not None:
                    bar(Progress(reader.position, reader.size, done))

            return calibrate(calibrator, engine.ahead(chunks_of(reader)), where=self.input, progress=progress)

    def _aims(self) -> Aims:
        from holdfast.measure.calibration import Aims
        from holdfast.measure.cut_offs import InvalidTarget, Target, is_share

        if not is_share(self.coverage):
            raise InvalidTarget(
                "is not a share", where="--coverage", value=f"{self.coverage:g}", expected="between 0 and 1, such as 0.9"
            )  # fmt: skip
        return Aims(
            act=Target.parse(self.act, "--act"),
            review=Target.parse(self.review, "--review"),
            coverage=self.coverage,
        )

    def _opened(self, labels: Mapping[str, str], scores: Mapping[str, str]) -> tuple[Opened, Columns | None]:
        from holdfast.measure.attributes import open_scored
        from holdfast.measure.columns import open_labelled

        wanted = dict.fromkeys(labels.values(), "--label")
        if self.from_perspective:
            return open_scored(
                self.input, wanted, scores, mapping=self.mapping, format=self.format, encoding=self.encoding,
                surface=self.surface, stdin=sys.stdin.buffer,
            )  # fmt: skip
        opened = open_labelled(
            self.input, dict.fromkeys(scores.values(), "--score") | wanted, mapping=self.mapping,
            format=self.format, encoding=self.encoding, surface=self.surface, stdin=sys.stdin.buffer,
        )  # fmt: skip
        return opened, None

    def _named(
        self, given: Sequence[str], option: str, checked: Callable[[str, str], str], alone: str | None
    ) -> dict[str, str]:
        """Columns or shares by head or attribute, from `NAME=COLUMN`, or `COLUMN` where there is a name for one `alone`."""
        from holdfast.measure.columns import split_names
        from holdfast.measure.refit import InvalidSample

        found: dict[str, str] = {}
        for one in split_names(given):
            name, equals, column = one.partition("=")
            if not equals:
                if alone is None:
                    raise InvalidSample(
                        "does not say which attribute that column holds",
                        where=f"{option} {one[:40]}",
                        next_step=f"name it: {option} TOXICITY={one[:40]}",
                    )
                name, column = alone, one
            name = checked(name, option if equals else "--head")
            if name in found:
                raise InvalidSample(
                    f"names {name} twice",
                    where=option,
                    next_step=f"name heads: {option} hate=… threat=…" if alone else "name it once",
                )
            found[name] = column.removeprefix("column:")
        return found

    def _scores(self, checked_head: Callable[[str, str], str]) -> dict[str, str]:
        from holdfast.measure.attributes import check_attribute

        if self.from_perspective:
            return self._named(self.score, "--score", check_attribute, None)
        return self._named(self.score, "--score", checked_head, self.head)

    def _thresholds(self, checked_head: Callable[[str, str], str]) -> dict[str, tuple[float, ...]]:
        """Thresholds by head or attribute, and those for each by `_EACH`."""
        from holdfast.measure.attributes import check_attribute
        from holdfast.measure.columns import split_names
        from holdfast.measure.cut_offs import InvalidTarget

        checked = check_attribute if self.from_perspective else checked_head
        found: dict[str, tuple[float, ...]] = {}
        for one in split_names(self.threshold):
            name, equals, text = one.rpartition("=")
            try:
                number = float(text)
            except ValueError:
                number = float("nan")
            # Perspective's scores are probabilities, so that 70 is a slip for 0.7 there.
            if not isfinite(number) or (self.from_perspective and not 0 <= number <= 1):
                raise InvalidTarget(
                    "is not a threshold",
                    where="--threshold",
                    value=one[:40],
                    expected=f"a number{' from 0 to 1' if self.from_perspective else ''} such as 0.8, or NAME=0.8",
                )
            name = checked(name, "--threshold") if equals else _EACH
            found[name] = (*found.get(name, ()), number)
        return found

    def _check(
        self,
        labels: Mapping[str, str],
        scores: Mapping[str, str],
        shares: Mapping[str, str],
        thresholds: Mapping[str, object],
    ) -> None:
        from holdfast.measure.refit import InvalidSample

        if not labels and not scores and not self.from_perspective:
            raise InvalidSample(
                "has nothing to calibrate by",
                where=self.input,
                next_step="name the column with your labels: --label COLUMN; or a former API's scores: --score COLUMN, "
                "or --from-perspective",
            )
        if thresholds and not scores and not self.from_perspective:
            raise InvalidSample(
                "needs a score to compare with", where="--threshold", next_step="--score COLUMN"
            )
        for name in thresholds:
            if name != _EACH and name not in scores and not self.from_perspective:
                raise InvalidSample(
                    f"needs a score to compare {name} with", where="--threshold", next_step=f"--score {name}=COLUMN"
                )  # fmt: skip
        for head in shares:
            if head not in labels:
                raise InvalidSample(
                    f"needs labels of {head}", where="--prevalence", next_step=f"--label {head}=COLUMN"
                )

    def _wanted(
        self,
        head: str,
        label: str | None,
        score: str | None,
        shares: Mapping[str, str],
        thresholds: Mapping[str, tuple[float, ...]],
        cells: Mapping[str, Cell],
    ) -> Wanted:
        from holdfast.measure.calibration import Wanted, prevalences
        from holdfast.measure.columns import split_names
        from holdfast.measure.labels import Labels
        from holdfast.measure.score import Score

        return Wanted(
            head=head,
            labels=None
            if label is None
            else Labels(label, split_names(self.positive), split_names(self.negative)),
            label=None if label is None else cells[label],
            former=None if score is None else Score(f"column:{score}", cells[score]),
            prevalence=prevalences(shares).get(head),
            thresholds=_of(head, thresholds),
        )


def _of(name: str, thresholds: Mapping[str, tuple[float, ...]]) -> tuple[float, ...]:
    return thresholds.get(name) or thresholds.get(_EACH, ())


def _attributes(
    found: Columns, thresholds: Mapping[str, tuple[float, ...]], cells: Mapping[str, Cell], where: str
) -> list[WantedAttribute]:
    from holdfast.measure.attributes import InvalidAttribute, WantedAttribute
    from holdfast.measure.score import Score

    for name in thresholds:
        if name != _EACH and name not in found.by_attribute:
            raise InvalidAttribute(
                f"has no column with scores of {name}",
                where=where,
                expected=f"one for --threshold {name}; there are {', '.join(found.by_attribute)}",
                next_step=f"name it: --score {name}=COLUMN",
            )
    return [
        WantedAttribute(
            attribute=attribute,
            former=Score(f"column:{column}", cells[column]),
            thresholds=_of(attribute, thresholds),
        )
        for attribute, column in found.by_attribute.items()
    ]
