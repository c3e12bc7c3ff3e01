"""How far a partition has got: which offset may be committed."""

from __future__ import annotations

from collections import deque


class Progress:
    """The commands of one partition that were read and are not settled yet.

    A command is settled when the broker has acknowledged its outcome or its dead letter.
    """

    def __init__(self) -> None:
        self._next: int | None = None
        self._read: deque[int] = deque()
        self._open: set[int] = set()

    def read(self, offset: int) -> None:
        """A command was read; offsets only grow."""
        if self._next is not None and offset < self._next:
            raise ValueError(f"offset {offset} was read before; the next is {self._next}")
        self._next = offset + 1
        self._read.append(offset)
        self._open.add(offset)

    def settle(self, offset: int) -> None:
        """A command needs this place in the topic no longer. Settling it again changes nothing."""
        self._open.discard(offset)
        while self._read and self._read[0] not in self._open:
            self._read.popleft()

    def is_settled(self, offset: int) -> bool:
        """Whether a command that was read has been settled."""
        return offset not in self._open

    @property
    def committable(self) -> int | None:
        """The offset from which another worker would have to read; ``None`` before the first command."""
        return self._read[0] if self._read else self._next
