from pathlib import Path

import pytest

from holdfast.errors import InvalidSetting
from holdfast.settings import Settings, environment_variable, load_settings, setting_names


def write(folder: Path, text: str) -> Path:
    (folder / "holdfast.toml").write_text(text, "utf-8")
    return folder


def test_no_file_means_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}) == Settings()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, "[serve]\nport = 1\n[ledger]\nallow_sample_rate = 0.5\n")
    settings = load_settings(tmp_path, {"HOLDFAST_SERVE_PORT": "2"})
    assert (settings.serve.port, settings.ledger.allow_sample_rate) == (2, 0.5)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[serve]\nprot = 1", "prot"),
        ("[server]\nport = 1", "server"),
        ("[serve]\nport = 99999", "serve.port"),
        ('[serve]\nport = "x"', "serve.port"),
        ("[ledger]\nallow_sample_rate = 2", "allow_sample_rate"),
        ("[serve\n", "TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InvalidSetting, match=named):
        load_settings(write(tmp_path, text), {})


def test_a_slip_is_answered_with_what_was_meant(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"did you mean port\?") as refused:
        load_settings(write(tmp_path, "[serve]\nprot = 1"), {})
    assert "holdfast.toml, [serve] prot: there is no such setting" in str(refused.value)
    assert "body_limit" in str(refused.value)
    with pytest.raises(InvalidSetting, match=r"did you mean serve\?"):
        load_settings(write(tmp_path, "[srve]\nport = 1"), {})


def test_a_value_where_a_section_belongs_is_refused(tmp_path: Path) -> None:
    for environ in ({}, {"HOLDFAST_SERVE_PORT": "2"}):
        with pytest.raises(InvalidSetting, match="serve"):
            load_settings(write(tmp_path, "serve = 3"), environ)


def test_every_setting_has_an_environment_variable_of_its_own() -> None:
    names = [environment_variable(*name) for name in setting_names()]
    assert len(set(names)) == len(names) > 5


def test_a_wrong_environment_variable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"serve\.port"):
        load_settings(tmp_path, {"HOLDFAST_SERVE_PORT": "eighty"})
