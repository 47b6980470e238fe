"""What the command prints: lines and tables."""

from rich.console import Console
from rich.table import Table

console = Console()
errors = Console(stderr=True, soft_wrap=True)


def say(line):
    # Whole lines, so that paths can be copied.
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def print_reports(reports):
    rows = [report.row() for report in reports]
    shared = ("data", "episodes", "seed", "overlap")
    say(", ".join(f"{name} {rows[0][name]}" for name in shared))
    columns = ["task", "queries", "accuracy", "kind"]
    print_table(columns, [[row[column] for column in columns] for row in rows])


def print_table(columns, rows):
    if not rows:
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table, markup=False)
