"""The second door to git, for commands that only read and must answer at once: children without a library.

``coord.git`` is the door for everything else. Starting GitPython takes nine times as long as Python itself, so these
children are started by ``posix_spawn``; they get the same environment as the engine's.
"""

import os
import stat
from _signal import SIGPIPE  # type: ignore[import-not-found]

#: How the remote is reached; everything else named GIT_* is dropped before a child runs. ``coord.git`` goes by it too.
TRANSPORT = (
    "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH",
    "GIT_SSL_NO_VERIFY", "GIT_PROXY_COMMAND", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH", "GIT_PROTOCOL",
)  # fmt: skip
ENGINE_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
}

#: Bytes that may wait in a pipe without blocking the writer (POSIX's least): requests are sent in such portions.
_PORTION = 4096


class UnusualError(Exception):
    """The repository is not of the usual kind, or git did not answer as usual: the whole engine must look."""


def find_repository(folder: str) -> tuple[str, str, bool]:
    """Return the root of the checkout around ``folder``, its common git directory, and whether it is a linked worktree.

    git's own search has more cases (gitfiles of submodules, bare repositories): what is not the plain case raises.
    """
    if not os.path.isdir(folder):
        raise UnusualError
    place = folder
    while True:
        dot_git = os.path.join(place, ".git")
        try:
            mode = os.stat(dot_git).st_mode
        except FileNotFoundError:
            if os.path.lexists(dot_git) or os.path.exists(os.path.join(place, "HEAD")):
                raise UnusualError from None
            above = os.path.dirname(place)
            if above == place:
                raise UnusualError from None
            place = above
            continue
        if stat.S_ISDIR(mode):
            if os.path.exists(f"{dot_git}/commondir") or not os.path.isdir(f"{dot_git}/objects"):
                raise UnusualError
            return place, dot_git, False
        return place, _linked(place, dot_git), True


def _linked(place: str, dot_git: str) -> str:
    """Return the common git directory that a linked worktree names."""
    named = _text(dot_git)
    if not named.startswith("gitdir: "):
        raise UnusualError
    own = os.path.join(place, named.removeprefix("gitdir: "))
    return os.path.realpath(os.path.join(own, _text(f"{own}/commondir")))


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read(4096).rstrip("\n")


class Child:
    """One git process in ``folder``; its complaints go where ``with_complaints`` says: among its words, or nowhere."""

    def __init__(self, folder: str, *args: str, asks: bool = False, with_complaints: bool = False) -> None:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name in TRANSPORT
        }
        read, write = os.pipe()
        actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = []
        if asks:
            source, self._asks = os.pipe()
            actions.append((os.POSIX_SPAWN_DUP2, source, 0))
        else:
            self._asks = -1
            actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
        actions.append((os.POSIX_SPAWN_DUP2, write, 1))
        if with_complaints:
            actions.append((os.POSIX_SPAWN_DUP2, write, 2))
        else:
            actions.append((os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0))
        try:
            self._pid = os.posix_spawnp(
                "git",
                ("git", "-C", folder, *args),
                {**environment, **ENGINE_ENVIRONMENT},
                file_actions=actions,
                setsigdef=(SIGPIPE,),
            )
        finally:
            os.close(write)
            if asks:
                os.close(source)
        self._answers = os.fdopen(read, "rb", 1 << 16)

    def words(self, *ok: int) -> str:
        """Return everything that it says; an exit code that is not in ``ok`` is unusual."""
        said = self._answers.read()
        if self.end() not in ok:
            raise UnusualError
        return said.decode("utf-8", "surrogateescape")

    def objects(self, names: list[str]) -> list[tuple[str, bytes, bytes]]:
        """Return id, kind and bytes of each object that ``git cat-file --batch`` is asked for."""
        found = []
        sent = done = 0
        while done < len(names):
            portion = b""
            while sent < len(names) and len(portion) + len(names[sent]) < _PORTION:
                portion += os.fsencode(names[sent]) + b"\n"
                sent += 1
            if not portion:
                raise UnusualError
            os.write(self._asks, portion)
            while done < sent:
                found.append(self._object())
                done += 1
        return found

    def _object(self) -> tuple[str, bytes, bytes]:
        head = self._answers.readline().split()
        if len(head) != 3 or not head[2].isdigit():
            raise UnusualError
        size = int(head[2])
        body = self._answers.read(size + 1)
        if len(body) != size + 1:
            raise UnusualError
        return head[0].decode(), head[1], body[:-1]

    def end(self) -> int:
        """Let it end and return its exit code."""
        if self._asks >= 0:
            os.close(self._asks)
            self._asks = -1
        self._answers.close()
        if self._pid:
            _, status = os.waitpid(self._pid, 0)
            self._pid = 0
            return os.waitstatus_to_exitcode(status)
        return 0
