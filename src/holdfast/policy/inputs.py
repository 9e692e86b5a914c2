"""Declared inputs: what a policy takes from an item's `context`."""

from __future__ import annotations

import math

from holdfast.policy import limits
from holdfast.schema import Field, Type, Value

_PYTHON: dict[Type, tuple[type, ...]] = {
    Type.BOOLEAN: (bool,),
    Type.INTEGER: (int, float),
    Type.NUMBER: (int, float),
    Type.TEXT: (str,),
    Type.TEXT_LIST: (list,),
}


def accept(field: Field, value: Value) -> Value:
    """`value` as the field's type holds it; `None` stays `None`.

    Raises `ValueError` with what is expected when it has another type or lies outside the range.
    """
    if value is None:
        return None
    numeric = field.type in (Type.INTEGER, Type.NUMBER)
    if not isinstance(value, _PYTHON[field.type]) or (numeric and isinstance(value, bool)):
        raise ValueError(f"{field.type} or null")
    if isinstance(value, list):
        if not all(isinstance(text, str) for text in value):
            raise ValueError("a list of texts")
        return value
    if not numeric or isinstance(value, str):
        return value
    if not math.isfinite(value):
        raise ValueError("a finite number")
    if field.type is Type.INTEGER:
        if value != int(value) or abs(value) > limits.INTEGER_MAGNITUDE:
            raise ValueError("an integer within ±2^53")
        number: int | float = int(value)
    else:
        number = float(value)
        if abs(number) > limits.MAGNITUDE:
            raise ValueError(f"a number within ±{limits.MAGNITUDE:g}")
    if field.low is not None and number < field.low:
        raise ValueError(f"at least {field.low:g}")
    if field.high is not None and number > field.high:
        raise ValueError(f"at most {field.high:g}")
    return number
