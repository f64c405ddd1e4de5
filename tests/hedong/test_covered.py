"""The check of coverage can fail: a group below the bar, an empty one, and a file that nothing has imported."""

from tests import covered


def test_a_group_below_the_bar_is_named():
    good, bad = {"a.py": (95, 100)}, {"a.py": (95, 100), "b.py": (0, 20)}
    assert covered.too_low({"actions": good, "jobs": bad}) == ["jobs"]
    assert covered.too_low({"actions": good}) == []


def test_a_group_without_files_or_lines_proves_nothing():
    assert covered.too_low({"matching": {}}) == ["matching"]
    assert covered.too_low({"matching": {"a.py": (0, 0)}}) == ["matching"]


def test_every_group_has_its_files_and_each_file_is_traced():
    traced = covered.Coverage(config_file=str(covered.ROOT / "pyproject.toml")).get_option("run:include")
    for name, patterns in covered.GROUPS.items():
        assert covered.files(patterns), name
        assert set(patterns) <= set(traced), name
    assert covered.ROOT / "requests_board/actions/dispatch.py" in covered.files(covered.GROUPS["actions"])


def test_a_file_that_nothing_imported_counts_as_not_run(tmp_path):
    path = tmp_path / "actions.py"
    path.write_text("A = 1\nB = 2\n", encoding="utf8")
    coverage = covered.Coverage(data_file=None, config_file=False)
    assert covered.measured(coverage, path) == (0, 2)
