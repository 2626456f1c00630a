"""Reading JSON that others may have written: whether it is JSON at all, and whether its values are of the types stated."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache

_FITS: Mapping[str, Callable[[object], bool]] = {
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53,
    "int | None": lambda value: value is None or _FITS["int"](value),
    "float": lambda value: (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value < 2**37
    ),
    "tuple[str, ...]": lambda value: isinstance(value, tuple) and all(isinstance(one, str) for one in value),
    "tuple[int, ...]": lambda value: isinstance(value, tuple) and all(_FITS["int"](one) for one in value),
}


def parsed(text: str | bytes) -> object:
    """Return what JSON states. Raises ValueError for what is none, also when it is nested too deep to be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def misfits(kind: type, values: Mapping[str, object]) -> list[str]:
    """Return the names of the values that are not of the types which the dataclass ``kind`` states for them.

    Times and costs (``float``) are finite, not negative, and lie within the next four thousand years; types that are not in the table fit.
    """
    stated = _stated(kind)
    return [name for name, value in values.items() if not _fits(value, stated.get(name, ""))]


@cache
def _stated(kind: type) -> Mapping[str, str]:
    return {field.name: str(field.type) for field in fields(kind)}


def _fits(value: object, stated: str) -> bool:
    fits = _FITS.get(stated)
    return fits is None or fits(value)
