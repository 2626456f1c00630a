"""How long something took, in words: one form for everything that coord tells."""

from __future__ import annotations

_UNITS = ((86400, "days"), (3600, "h"), (60, "min"))


def lasting(seconds: float) -> str:
    """Return a duration: ``42 s``, ``7 min``, ``3.2 h``, ``2.5 days``."""
    for length, unit in _UNITS:
        if seconds >= length:
            amount = seconds / length
            return f"{amount:.0f} {unit}" if unit == "min" or amount >= 10 else f"{amount:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 or not seconds else f"{seconds:.1f} s"
