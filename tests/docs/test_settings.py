"""The page of settings cannot drift from the models that bind them."""

from .settings_tables import PAGE, TABLES, marked, written


def test_the_page_has_every_setting_with_its_effect_bounds_and_default():
    text = PAGE.read_text(encoding="utf-8")

    assert marked(text) == set(TABLES)
    assert text == written(text), "run: python -m tests.docs.settings_tables"
