"""What a demo shows at its end: each contract's chain, the tie-out, what was not posted, and the sum of it."""

from __future__ import annotations

from dataclasses import dataclass

from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from streams.chain_tables import chain_text, chain_title, money, not_posted_table, plain, show
from streams.chains import Chain, Facts, chains_of, letter_text, not_posted, refused_records
from streams.console import results
from streams.demo_netsuite import LINK_FIELD, Held, TieOut, standing_in, strangers, tie_outs
from streams.publish import Tally


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the published activations. It is good if nothing was refused anywhere and every order ties out."""

    held: Held
    facts: Facts
    tally: Tally
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether everything that was published stands in NetSuite as it should, or was rightly left out."""
        return self.tally.valid > 0 and not self._complaints()

    def print(self) -> None:
        """Write it to standard output."""
        _heading(f"Contracts in NetSuite, by {LINK_FIELD} (link)")
        chains = [(self._customer_of(each), each) for each in chains_of(self.facts, standing_in(self.held, self.facts))]
        for customer, chain in sorted(chains, key=lambda pair: (pair[0], pair[1].name)):
            show(results, chain_title(chain, customer))
            show(results, chain_text(chain))
            show(results, "")
        _heading("Tie-out: total in Nue = sales orders − returns in NetSuite")
        show(results, _tie_out_table(tie_outs(self.held, self.facts)))
        show(results, "")
        if left_out := not_posted(self.facts):
            _heading("Not posted, and why")
            show(results, not_posted_table(left_out))
            show(results, "")
        if self.facts.open_letters():
            _heading("Dead letters: commands that NetSuite does not hold, and why")
            show(results, _letters_table(self.facts))
            show(results, "")
        self._sum_up()

    def _customer_of(self, chain: Chain) -> str:
        documents = [document.external_id for link in chain.links for document in link.documents]
        entities = (self.held.documents[each]["entity"] for each in documents if each in self.held.documents)
        return self.held.customer_name(next(entities, None)) or f"customer {chain.customer_id}"

    def _complaints(self) -> list[str]:
        untied = [each.order_number for each in tie_outs(self.held, self.facts) if each.problems]
        letters, unknown = self.facts.open_letters(), strangers(self.held, self.facts)
        complaints = []
        if self.tally.rejected:
            complaints.append(f"{_count(self.tally.rejected, 'activation')} rejected before the log")
        if untied:
            complaints.append(f"{_count(len(untied), 'order')} not tied out: {', '.join(untied)}")
        if letters:
            complaints.append(f"{_count(len(letters), 'command')} not applied")
        if unknown:
            complaints.append(f"in NetSuite, but by no order: {', '.join(unknown)}")
        return complaints

    def _sum_up(self) -> None:
        sales = sum(1 for each in self.held.documents.values() if each["recordType"] == "salesOrder")
        returns = len(self.held.documents) - sales
        holds = ", ".join(
            _count(number, noun)
            for number, noun in (
                (sales, "sales order"),
                (returns, "return authorization"),
                (len(self.held.customers), "customer"),
                (len(self.held.items), "item"),
            )
        )
        copies = self.tally.valid - len(self.facts.decided) - len(refused_records(self.facts))
        told = f", {_count(copies, 'of them a copy', 'of them copies')}" if copies else ""
        show(results, f"{_count(self.tally.valid, 'activation')} published{told}. NetSuite holds {holds}.")
        if self.is_good:
            show(results, Text.assemble(("✓ ", "green"), f"Every order ties out. ({self.seconds:.0f} s)"))
        for complaint in self._complaints() or ([] if self.tally.valid else ["nothing was published"]):
            show(results, Text(f"✗ {complaint}", style="red"))


def _heading(text: str) -> None:
    show(results, Rule(Text(text, style="bold"), align="left", style="dim"))


def _tie_out_table(rows: list[TieOut]) -> Table:
    numbers = ("in Nue", "sales orders", "returns")
    table = plain(("order", "", *numbers, "ties out"), right=numbers)
    for row in sorted(rows, key=lambda row: row.order_number):
        verdict = Text("\n".join(row.problems), style="red") if row.problems else Text("✓", style="green")
        amounts = [money(amount, row.currency) for amount in (row.nue_total, row.sold, row.returned)]
        table.add_row(row.order_number, Text(row.currency, style="dim"), *amounts, verdict)
    return table


def _letters_table(facts: Facts) -> Table:
    table = plain(("command", "why"))
    for letter in facts.open_letters():
        table.add_row(letter.external_id or letter.command_id, Text(letter_text(letter), style="red"))
    return table


def _count(number: int, noun: str, nouns: str | None = None) -> str:
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
