"""The names of sampling methods, as others write them."""

import pytest

from shared.sampling import ALIASES, SAMPLING_METHODS, canonical

DIFFUSION = ("DDIM", "DPM++ 2M", "DPM++ 2M Karras", "Euler", "Euler a", "UniPC", "LCM")
FLOW = ("Flow Euler",)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("DPM++ 2M Karras", "DPM++ 2M Karras"),
        ("dpm++ 2m karras", "DPM++ 2M Karras"),
        ("dpmpp_2m_karras", "DPM++ 2M Karras"),
        ("dpmpp_2m", "DPM++ 2M"),
        ("k_dpmpp_2m", "DPM++ 2M"),
        ("euler", "Euler"),
        ("k_euler", "Euler"),
        ("k-euler", "Euler"),
        ("EULER A", "Euler a"),
        ("euler_a", "Euler a"),
        ("k_euler_ancestral", "Euler a"),
        ("EulerAncestralDiscreteScheduler", "Euler a"),
        ("uni_pc", "UniPC"),
        ("ddim", "DDIM"),
        ("lcm", "LCM"),
        ("DPM 3", None),
        ("", None),
        ("_", None),
        ("e" * 1_000_000, None),
        ("欧拉 😀", None),
    ],
)
def test_names_of_the_a1111_world_are_known(name: str, method: str | None) -> None:
    assert canonical(name, DIFFUSION) == method


@pytest.mark.parametrize("name", ["Euler", "k_euler", "flow euler", "flow_match", "FlowMatchEulerDiscreteScheduler"])
def test_a_name_leads_to_the_method_that_the_model_has(name: str) -> None:
    assert canonical(name, FLOW) == "Flow Euler"


def test_a_method_that_the_model_lacks_is_not_replaced() -> None:
    assert canonical("DPM++ 2M", FLOW) is None


def test_every_method_has_aliases() -> None:
    assert set(ALIASES) == set(SAMPLING_METHODS)


@pytest.mark.parametrize("method", SAMPLING_METHODS)
def test_every_alias_can_be_written(method: str) -> None:
    assert [alias for alias in ALIASES[method] if canonical(alias, [method]) != method] == []
