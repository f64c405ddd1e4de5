"""The documents say what the code does."""

from hedong.management.commands.draw_states import page


def test_the_state_diagrams_are_those_of_the_code(settings):
    assert (settings.BASE_DIR / "docs" / "states.md").read_text(encoding="utf8") == page()
