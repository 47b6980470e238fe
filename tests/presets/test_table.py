import copy
import pathlib

import pytest

from fsl_keras.cli.benchmarking import results
from fsl_keras.presets.table import measured_table, zoo_table

ROOT = pathlib.Path(__file__).parents[2]
PAPERS = {
    "omniglot": {
        "maml": {"figures": {"5-way 1-shot": 98.7}, "protocol": "Finn et al. 2017"},
        "siamese": {
            "figures": {"20-way 1-shot": 88.2},
            "protocol": "Koch et al. 2015",
            "remembered": True,
        },
    }
}


def figure(ways, shots, accuracy, kind="inductive", batch_norm="running"):
    protocol = {"ways": ways, "shots": shots, "queries": 15, "episodes": 1000}
    protocol |= {"seed": 2, "kind": kind, "batch_norm": batch_norm}
    return {"accuracy": accuracy, "ci95": 0.002, "protocol": protocol}


@pytest.fixture
def preset():
    return {
        "name": "maml_conv4_omniglot",
        "command": "fsl-keras reproduce maml_conv4_omniglot",
        "commit": "abc",
        "made": "2026-01-01",
        "cpu_minutes": 12.3,
        "options": {"dataset": "omniglot", "method": "maml"},
        "figures": [
            figure(5, 1, 0.985, "transductive", "batch"),
            figure(5, 1, 0.97, batch_norm="support"),
            figure(20, 1, 0.9, "transductive", "batch"),
        ],
    }


def cells(table, start):
    (row,) = [line for line in table.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_each_statistics_of_normalization_has_a_row(preset):
    table = zoo_table([preset], PAPERS)
    rows = [line for line in table.splitlines() if "`maml_conv4" in line]
    assert len(rows) == 2
    first, second = (
        [cell.strip() for cell in row.strip("|").split("|")] for row in rows
    )
    assert first[1:] == [
        "98.50 ± 0.20",
        "90.00 ± 0.20",
        "transductive, batch BatchNorm",
        "1",
        "12",
    ]
    assert second[1:4] == ["97.00 ± 0.20", "", "inductive, support BatchNorm"]


def test_a_row_names_filters_that_are_not_the_same_in_all_blocks(preset):
    preset["options"]["filters"] = [32, 64, 96, 192]
    table = zoo_table([preset], PAPERS)
    assert table.count("| `maml_conv4_omniglot` (filters 32, 64, 96, 192) |") == 2


def test_the_papers_stand_below_with_their_protocol(preset):
    table = zoo_table([preset], PAPERS)
    assert cells(table, "| *maml*")[1:4] == ["98.7", "", "Finn et al. 2017"]
    assert cells(table, "| *siamese*")[1:3] == ["", "88.2†"]


def test_further_seeds_give_a_range(preset):
    other = copy.deepcopy(preset)
    other["figures"][0]["accuracy"] = 0.981
    table = zoo_table([preset], {}, [other])
    row = cells(table, "| `maml_conv4_omniglot` | 98.5")
    assert row[1] == "98.50 ± 0.20 (98.10 to 98.50)"
    assert row[4] == "2"


def test_a_recipe_without_a_preset_says_so(preset):
    preset["options"]["filters"] = [32, 64, 96, 192]
    table = zoo_table([], {}, [preset])
    row = "| `maml_conv4_omniglot` (filters 32, 64, 96, 192; a recipe, not shipped) |"
    assert table.count(row) == 2


def test_how_it_was_measured_is_stated(preset):
    table = zoo_table([preset], {})
    assert "1,000 episodes, queries 15, seed 2." in table
    assert "    fsl-keras reproduce maml_conv4_omniglot  # abc, 2026-01-01" in table


def test_figures_within_groups_say_so(preset):
    protocol = preset["figures"][0]["protocol"]
    protocol["dataset"] = "omniglot/lake test, within each of 20 groups"
    (kind,) = [row for row in zoo_table([preset], {}).splitlines() if "98.50" in row]
    assert "transductive, batch BatchNorm, within each of 20 groups |" in kind


def test_a_data_set_without_presets_has_no_table(preset):
    assert "miniImageNet" not in zoo_table([preset], PAPERS)


def test_a_report_of_a_benchmark(preset):
    report = {"title": "Heads", "command": "python heads.py", "note": "All alike."}
    report["rows"] = [{"name": "ridge", "figures": preset["figures"][2:]}]
    table = measured_table(report)
    assert table.startswith("## Heads\n\n    python heads.py\n\nAll alike.")
    assert cells(table, "| ridge")[1] == "90.00 ± 0.20"


def test_a_report_with_further_columns(preset):
    report = {"title": "Heads", "command": "python heads.py", "note": "All alike."}
    report["rows"] = [
        {"name": "ridge", "figures": preset["figures"][2:]},
        {"name": "lda", "figures": preset["figures"][2:], "columns": {"gain": "+1.0"}},
    ]
    table = measured_table(report)
    assert cells(table, "|  |")[1:3] == ["20-way 1-shot", "gain"]
    assert cells(table, "| ridge")[1:3] == ["90.00 ± 0.20", ""]
    assert cells(table, "| lda")[1:3] == ["90.00 ± 0.20", "+1.0"]


def test_the_results_in_the_documentation_are_those_of_the_reports():
    assert (ROOT / "docs" / "results.md").read_text() == results(ROOT)


def test_outside_of_a_checkout_the_command_says_so(run_cli, tmp_path):
    status, _, err = run_cli("benchmark", "--root", tmp_path)
    assert status == 1
    assert "Run this in a checkout" in err
