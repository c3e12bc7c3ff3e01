"""A child process that ends when its parent does, however that went: also by SIGKILL."""

from __future__ import annotations

import os
import sys
import threading

EXIT_WITH_PARENT = "NUESTREAM_EXIT_WITH_PARENT"
"""Set to 1 by a parent that holds the other end of this process's standard input for as long as it lives."""

_STATUS = 143


def end_with_parent() -> None:
    """Where the parent asked for it, leave at once when standard input ends.

    To be called first thing. The variable is taken out of the environment: it is no setting, and concerns no
    process that this one may start.
    """
    if os.environ.pop(EXIT_WITH_PARENT, None) != "1":
        return
    watcher = threading.Thread(target=_leave_at_end_of, args=(sys.stdin.fileno(),), name="parent", daemon=True)
    watcher.start()


def _leave_at_end_of(descriptor: int) -> None:
    # What a parent was there for, its broker above all, is gone with it: there is nothing to finish.
    while os.read(descriptor, 4096):
        pass
    os._exit(_STATUS)
