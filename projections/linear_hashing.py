"""Which of a growing number of pages a name belongs to: one more page takes its names from one other page alone."""

from __future__ import annotations

import functools
import hashlib


def page_of(home: str, pages: int) -> int:
    """The page of a home among ``pages`` pages (linear hashing)."""
    name = _hash(home)
    level = 1 << (pages.bit_length() - 1)
    place = name % (2 * level)
    return place if place < pages else name % level


@functools.lru_cache(4096)
def _hash(home: str) -> int:
    return int.from_bytes(hashlib.blake2b(home.encode(), digest_size=8).digest(), "big")


def has_split(page: int, before: int, after: int) -> bool:
    """Whether entries have left a page since there were ``before`` pages."""
    level = 1 << page.bit_length()  # pages are taken from by those a power of two further on
    while page + level < after:
        if page + level >= before:
            return True
        level *= 2
    return False
