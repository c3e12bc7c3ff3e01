"""Whole contract histories, made up of every kind of change, consistent, and with trouble where it is asked for.

Any :class:`random.Random` drives them, Hypothesis' included, so that a history which breaks something can be shrunk.
"""

from tests.stories.customer import Customer
from tests.stories.trouble import peaceful, troubled

__all__ = ["Customer", "peaceful", "troubled"]
