"""``ready`` and ``list`` without what the other commands need: the quick door.

It answers when the call and the repository are of the usual kind, from what it remembers and what differs from that; in
every other case it says None, and ``coord.cli`` does the same through the whole engine. It decides nothing by itself: what
main is, and every tree and file of it, is asked of git anew in each call.
"""

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Never

    from coord.quickgit import Child
    from coord.reading import Reading

    Ended = Callable[[BaseException, Sequence[str]], int]

_VERBS = ("ready", "list")
_CLAIMS = "refs/coord/claims/"


class Words:
    """A command line that was understood."""

    __slots__ = ("explain", "folder", "json", "statuses", "verb")

    def __init__(self, verb: str) -> None:
        self.verb = verb
        self.folder = ""
        self.json = False
        self.explain = False
        self.statuses: set[str] = set()


def attempt(argv: "Sequence[str]", ended: "Ended") -> int | None:
    """Run the command line and return its exit code, or None when the engine must.

    ``ended`` says why a command line ended, and returns the exit code.
    """
    words = _understood(list(argv))
    if words is None:
        return None
    with _Interruptible(), _Uncollected():
        try:
            look = _Look(os.path.realpath(words.folder))
            try:
                reading = look.reading(words)
            finally:
                look.end()
        except KeyboardInterrupt as error:
            return ended(error, argv)
        except Exception:  # noqa: BLE001 - the engine looks at the same again, and tells what is wrong
            return None
        try:
            _show(reading, words)
            look.remember()
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the command line's own answer to it
            return ended(error, argv)
        return 0


class _Uncollected:
    """No search for garbage while tens of thousands of tuples are made, none of which is any."""

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_on:
            gc.enable()


class _Interruptible:
    """SIGTERM and SIGHUP are answered as Ctrl-C is; without the signal module, which is slow to load."""

    def __enter__(self) -> None:
        import _signal  # type: ignore[import-not-found]

        def interrupt(_number: int, _frame: object) -> "Never":
            raise KeyboardInterrupt

        try:
            self._before = {
                number: _signal.signal(number, interrupt) for number in (_signal.SIGTERM, _signal.SIGHUP)
            }
        except ValueError:  # not the main thread: nobody interrupts it
            self._before = {}

    def __exit__(self, *_: object) -> None:
        import _signal

        for number, handler in self._before.items():
            _signal.signal(number, handler)


# -- the command line ----------------------------------------------------------------------------------------------


def _understood(argv: list[str]) -> Words | None:
    folder = ""
    while len(argv) > 1 and argv[0] == "-C":
        folder = os.path.join(folder, argv[1])
        argv = argv[2:]
    if not argv or argv[0] not in _VERBS:
        return None
    words = Words(argv[0])
    rest = argv[1:]
    below = "."
    while rest:
        option, *rest = rest
        if option == "--json":
            words.json = True
        elif option == "--explain" and words.verb == "ready":
            words.explain = True
        elif option == "-C" and rest and not rest[0].startswith("-"):
            below, *rest = rest
        elif option == "--status" and words.verb == "list" and rest and not rest[0].startswith("-"):
            named, *rest = rest
            if not _add_statuses(words.statuses, named):
                return None
        elif option not in ("-v", "--verbose"):
            return None
    words.folder = os.path.join(folder, below)
    return words


def _add_statuses(statuses: set[str], named: str) -> bool:
    from coord.core.row import STATUS_ALIASES, STATUSES

    for word in named.split(","):
        folded = word.strip().casefold()
        if folded not in STATUSES and folded not in STATUS_ALIASES:
            return False
        statuses.add(STATUS_ALIASES.get(folded, folded))
    return True


# -- looking -------------------------------------------------------------------------------------------------------


class _Look:
    """One look at a repository: three git children, side by side."""

    def __init__(self, folder: str) -> None:
        from coord.quickgit import find_repository

        self._children: list[Child] = []
        self.top, self.common, self.is_linked = find_repository(folder)
        self._cache = f"{self.common}/coord/rows"

    def _start(self, *args: str, asks: bool = False, with_complaints: bool = False) -> "Child":
        from coord.quickgit import Child

        child = Child(self.top, *args, asks=asks, with_complaints=with_complaints)
        self._children.append(child)
        return child

    def end(self) -> None:
        for child in self._children:
            child.end()

    def remember(self) -> None:
        """Save what was new, after the answer is out."""
        sys.stdout.flush()
        if self._rows.is_worth_saving:
            from coord.rowcache import save

            save(self._cache, self._rows.known)

    def reading(self, words: Words) -> "Reading":
        config = self._start(
            "config", "-z", "--show-scope", "--get-regexp",
            r"^(coord\.(main|remote|patience)|core\.(bare|worktree)|extensions\.worktreeconfig|remote\..*\.url)$",
        )  # fmt: skip
        asked: tuple[str, ...] = ("refs/remotes/", "refs/heads/", _CLAIMS)
        if words.verb == "ready":
            asked = ("refs/remotes/*/HEAD",)
        refs = self._start("for-each-ref", "--format=%(refname) %(symref)", *asked, with_complaints=True)
        self._objects = self._start("cat-file", "--batch", asks=True)
        # git starts meanwhile: everything is loaded now, also what only prints.
        from coord import rowcache, screen  # noqa: F401
        from coord.age import as_of, fetched_at
        from coord.core.board import Board
        from coord.here import only_here
        from coord.output import Output  # noqa: F401
        from coord.quickgit import UnusualError
        from coord.reading import Reading, in_progress
        from coord.rows import Rows

        saved = rowcache.load(self._cache)
        self._rows = Rows(saved, self._read)
        remote, main = self._configured(config.words(0, 1))
        named = dict(line.split(" ", 1) for line in refs.words(0).splitlines())
        if not all(name.startswith("refs/") for name in named):
            raise UnusualError
        branch_refs = f"refs/remotes/{remote}/" if remote else "refs/heads/"
        if not main:
            main = named.get(f"refs/remotes/{remote}/HEAD", "").removeprefix(branch_refs) if remote else ""
        main = main or "main"
        main_ref = branch_refs + main
        if "\n" in main_ref or (remote and "/" in remote):
            raise UnusualError
        (tip, _, commit), (root, _, _) = self._objects.objects(
            [f"{main_ref}^{{commit}}", f"{main_ref}^{{tree}}"]
        )

        self._rows.bring_to(root)
        if self._rows.known.get("main") != main_ref:
            self._rows.known["main"] = main_ref
            self._rows.is_worth_saving = True
        name = f"{remote}/{main}" if remote else main
        fetched = fetched_at(self.common, main_ref) if remote else None
        reading = Reading(
            board=Board(self._rows.files.items()),
            main=name,
            tip=tip,
            said=as_of(name, tip, fetched, _committed(commit) if fetched is None else 0),
        )
        if words.verb != "ready":
            reading.live = in_progress(list(named), branch_refs, _CLAIMS, self._rows.prefixes)
        if words.verb == "list":
            published = self._rows.files.keys()
            seen = self._rows.seen
            reading.only_here = only_here(self.top, self._rows.folder, reading.board.by_id, published, seen)
            self._rows.keep_seen(seen)
        return reading

    def _configured(self, said: str) -> tuple[str, str]:
        """Return the remote (``""``: none) and what ``coord.main`` says, as ``coord.workspace`` takes them."""
        from coord.quickgit import UnusualError

        fields = said.split("\0")
        settings = dict(item.partition("\n")[::2] for item in fields[1::2])
        remotes = [key[7:-4] for key in settings if key.startswith("remote.")]
        patience = settings.get("coord.patience", "")
        chosen = settings.get("coord.remote")
        is_bare = settings.get("core.bare", "false") != "false"
        if (
            "core.worktree" in settings
            or (is_bare and (not self.is_linked or "extensions.worktreeconfig" in settings))
            or (patience and not (patience.isdigit() and int(patience) > 0))
            or (chosen is not None and chosen not in remotes)
        ):
            raise UnusualError
        remote = chosen if chosen is not None else "origin" if "origin" in remotes else ""
        return remote, settings.get("coord.main", "")

    def _read(self, oids: list[str], kind: bytes) -> list[bytes]:
        from coord.quickgit import UnusualError

        found = self._objects.objects(oids)
        if any(found_kind != kind for _, found_kind, _ in found):
            raise UnusualError
        return [body for _, _, body in found]


def _committed(commit: bytes) -> int:
    """Return when a raw commit was made, 0 when its date is none."""
    for line in commit.partition(b"\n\n")[0].split(b"\n"):
        if line.startswith(b"committer "):
            said = line.rpartition(b"> ")[2].split(b" ", 1)[0]
            return int(said) if said.isdigit() and len(said) < 16 else 0
    return 0


def _show(reading: "Reading", words: Words) -> None:
    from coord import screen
    from coord.output import Output

    output = Output(sys.stdout, sys.stderr, words.json)
    if words.verb == "ready":
        screen.show_ready(reading, output, explain=words.explain)
    else:
        screen.show_list(reading, output, wanted=words.statuses)
