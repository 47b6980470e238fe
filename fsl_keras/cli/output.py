"""What the command prints: lines and tables."""

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

console = Console()
errors = Console(stderr=True, soft_wrap=True)


def say(line):
    """Prints a line, whole, so that paths in it can be copied."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def working(what):
    """Says, while a block runs, what takes its time; on a terminal only."""
    return errors.status(Text(what))


def print_reports(reports):
    """Prints `EpisodeReport`s of the same data as a table, under what they share."""
    rows = [report.row() for report in reports]
    shared = ("data", "episodes", "seed", "overlap")
    say(", ".join(f"{name} {rows[0][name]}" for name in shared))
    columns = ["task", "queries", "accuracy", "kind"]
    print_table(columns, [[row[column] for column in columns] for row in rows])


def print_table(columns, rows):
    """Prints rows under the names of their columns; nothing where there are none."""
    if not rows:
        return
    # The first column names what the others tell of: whole, to be copied.
    table = Table(Column(columns[0], no_wrap=True), *columns[1:])
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table, markup=False)
