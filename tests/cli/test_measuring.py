def test_episodes_within_groups_are_as_many_as_the_command_says(omniglot_dir, run_cli):
    status, out, err = run_cli(
        *("evaluate", "prototypical_conv4_omniglot", "--dataset", "omniglot/lake"),
        *("--data-dir", omniglot_dir, "--within"),
        *("--episodes", 23, "--ways", 3, "--shots", 1, "--queries", 1),
    )
    assert status == 0, err
    assert "omniglot/lake test, within each of 20 groups" in out
    assert "episodes 23" in out


def test_episodes_within_groups_need_names_of_groups(run_cli):
    status, _, err = run_cli("evaluate", "prototypical_conv4_glyphs", "--within")
    assert status == 1
    assert "The group of a class is the beginning of its name" in err
