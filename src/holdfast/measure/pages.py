"""The templates of this package's reports."""

from __future__ import annotations

import jinja2


def environment() -> jinja2.Environment:
    """Finds templates here and in `holdfast.bulk`, whose look the reports share. What they fill in is escaped."""
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("holdfast.measure", "."), jinja2.PackageLoader("holdfast.bulk", ".")]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
