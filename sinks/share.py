"""One assigned partition: its lanes, its dead letters, and how far it has got."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.outcome import Outcome
from sinks.entry import Entry, Kind, Lane, Place, Recalled, Stage, Subject
from sinks.knowledge import Knowledge
from sinks.letters import Letter
from sinks.progress import Progress


class Share:
    """A partition that is this sink's. ``open`` are its dead letters by command id.

    ``discarded`` are the ids of the commands that are never sent; those that were applied, the outcomes tell.

    Commands below the offset ``inherited_before`` may have been sent by another sink, and NetSuite may write them until
    the instant ``quiet_at``. ``doubtful`` are customers and items on whose newest version that may happen.
    """

    def __init__(self, partition: int, discarded: Iterable[str], inherited_before: int, quiet_at: float) -> None:
        self.partition = partition
        self.inherited_before = inherited_before
        self.quiet_at = quiet_at
        self.doubtful: dict[str, None] = {}
        self._may_be_running: dict[str, set[str]] = {}
        self.open: dict[str, Entry] = {}
        self.discarded = set(discarded)
        self.progress = Progress()
        self.in_flight = 0
        self.retired = False
        self._lanes: dict[tuple[bool, str], Lane] = {}

    @property
    def lanes(self) -> list[Lane]:
        """All lanes with a command in them."""
        return list(self._lanes.values())

    def lane_of(self, subject: Subject) -> Lane:
        """The lane that a command belongs to."""
        of_upserts = subject.kind is Kind.UPSERT
        lane = self._lanes.get((of_upserts, subject.lane))
        if lane is None:
            lane = Lane(self.partition, Kind.UPSERT if of_upserts else Kind.DOCUMENT, subject.lane)
            self._lanes[of_upserts, subject.lane] = lane
        return lane

    def lanes_about(self, outcome: Outcome) -> list[Lane]:
        """The lanes in which the command of ``outcome``, or another version of it, may stand."""
        keys = ((True, outcome.external_id), (False, outcome.customer_id))
        return [self._lanes[key] for key in keys if key in self._lanes]

    def drop_if_empty(self, lane: Lane) -> None:
        """Customers come and go; a lane is kept while there is something in it."""
        key = (lane.kind is Kind.UPSERT, lane.name)
        if not lane.entries and not lane.letters and self._lanes.get(key) is lane:
            del self._lanes[key]

    def recall(self, found: Recalled) -> Entry:
        """Take an open dead letter back, behind the earlier ones of its lane."""
        lane = self.lane_of(found.subject)
        entry = Entry(found.place, found.subject, lane, inherited=not found.quiet)
        entry.letter, entry.letter_offset = found.letter, found.letter_offset
        self.open[found.subject.command_id] = entry
        (lane.letters if lane.kind is Kind.UPSERT else lane.entries).append(entry)
        return entry

    def again(self, place: Place, newest: Outcome) -> Entry | None:
        """A new entry for the upsert at ``place`` that ``newest`` came from."""
        if self.retired or newest.activated_at is None:
            return None
        subject = Subject(
            kind=Kind.UPSERT,
            lane=newest.external_id,
            command_id=newest.command_id,
            external_id=newest.external_id,
            version=(newest.activated_at, newest.order_id),
        )
        return Entry(place, subject, self.lane_of(subject), inherited=False)

    def may_be_running(self, entry: Entry, content_hash: str, now: float) -> None:
        """An upsert was read that another sink may have sent."""
        if entry.inherited and now < self.quiet_at:
            self._may_be_running.setdefault(entry.subject.external_id, set()).add(content_hash)

    def doubt(self, outcome: Outcome, now: float) -> None:
        """An outcome does not hold for sure while other content of the record may be written."""
        if now < self.quiet_at and self._may_be_running.get(outcome.external_id, set()) - {outcome.content_hash}:
            self.doubtful[outcome.external_id] = None

    def take_doubtful(self, now: float) -> list[str]:
        """The external ids whose newest version is to be sent again, once nothing else can be running."""
        if now < self.quiet_at or self.retired:
            return []
        doubtful, self.doubtful = list(self.doubtful), {}
        self._may_be_running.clear()
        return doubtful

    def is_settled(self, entry: Entry, knowledge: Knowledge) -> bool:
        """Whether nothing is left to do: it was discarded, NetSuite holds it, or another record of it is parked."""
        name = entry.subject.command_id
        return name in self.discarded or self.open.get(name, entry) is not entry or knowledge.holds(entry.subject)

    def settle(self, entry: Entry) -> None:
        """The command needs no further attention and no letter."""
        entry.stage = Stage.GONE
        self.progress.settle(entry.place.offset)

    def keep(self, entry: Entry, letter: Letter, letter_offset: int) -> None:
        """The dead letter holds the command from now on; its bytes are dropped here."""
        if entry.letter is None:
            self.progress.settle(entry.place.offset)
        if entry.lane.kind is Kind.UPSERT and entry in entry.lane.entries:
            entry.lane.entries.remove(entry)
            entry.lane.letters.append(entry)
        entry.letter, entry.letter_offset = letter, letter_offset
        entry.original = entry.command = None

    def redrive(self, entry: Entry) -> None:
        """Put a dead-lettered upsert back among those that go one after the other."""
        if entry in entry.lane.letters:
            entry.lane.letters.remove(entry)
            entry.lane.entries.append(entry)

    def drop_closed(self, entry: Entry, *, discarded: bool) -> None:
        """The last letter of a command is on its topic."""
        self.open.pop(entry.subject.command_id, None)
        if discarded:
            self.discarded.add(entry.subject.command_id)
        entry.stage = Stage.GONE
        (entry.lane.letters if entry in entry.lane.letters else entry.lane.entries).remove(entry)
