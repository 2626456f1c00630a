"""What the forecast says of the queue: who would conflict when its turn comes, and with what."""

from __future__ import annotations

from coord.core.forecast import Forecast, Pair, WithMain
from coord.core.foretold import with_clashes
from coord.core.present import Next
from coord.core.trial import ConflictPath


def _next(place: int, name: str) -> Next:
    return Next(place, name, name, f"feat/{name}", "tip", "why")


QUEUE = (_next(1, "a"), _next(2, "b"), _next(3, "c"))
PATH = (ConflictPath("x.rs", "contents"),)


def _told(forecast: Forecast) -> dict[str, str]:
    return {one.task: one.clash for one in with_clashes(QUEUE, forecast)}


def test_the_later_of_two_is_told_about_the_earlier_whatever_their_order_in_the_forecast() -> None:
    for pair in (Pair("feat/c", "feat/a", PATH), Pair("feat/a", "feat/c", PATH)):
        assert _told(Forecast(pairs=(pair,))) == {
            "a": "", "b": "", "c": "would conflict with feat/a, which lands before it, in x.rs",
        }  # fmt: skip


def test_what_does_not_merge_with_main_is_in_nobodys_way() -> None:
    forecast = Forecast(with_main=(WithMain("feat/a", "a", PATH),), pairs=(Pair("feat/a", "feat/b", PATH),))
    assert _told(forecast) == {"a": "would conflict with main in x.rs", "b": "", "c": ""}


def test_what_does_not_merge_with_an_earlier_one_is_in_nobodys_way_either() -> None:
    forecast = Forecast(pairs=(Pair("feat/a", "feat/b", PATH), Pair("feat/b", "feat/c", PATH)))
    assert _told(forecast) == {
        "a": "", "b": "would conflict with feat/a, which lands before it, in x.rs", "c": "",
    }  # fmt: skip


def test_all_the_earlier_ones_are_named_the_first_with_its_paths() -> None:
    forecast = Forecast(pairs=(Pair("feat/b", "feat/c", PATH), Pair("feat/a", "feat/c", PATH)))
    assert (
        _told(forecast)["c"] == "would conflict with feat/a, which lands before it, in x.rs; and with feat/b"
    )


def test_branches_outside_the_queue_take_no_part() -> None:
    forecast = Forecast(with_main=(WithMain("feat/z", "z", PATH),), pairs=(Pair("feat/a", "feat/z", PATH),))
    assert set(_told(forecast).values()) == {""}


def test_many_paths_are_counted_and_unrelated_histories_named() -> None:
    paths = tuple(ConflictPath(f"{n}.rs", "contents") for n in range(5))
    strange = (ConflictPath(".", "unrelated histories"),)
    forecast = Forecast(with_main=(WithMain("feat/a", "a", paths), WithMain("feat/b", "b", strange)))
    assert _told(forecast)["a"].endswith("0.rs, 1.rs, 2.rs and 2 more")
    assert _told(forecast)["b"].endswith("unrelated histories")
