"""Circuits: time zones load, upstream's place names find their circuit, and UTC offsets are right."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core.rules.calendar.circuits import COUNTRY_ALIASES, VENUES, country_key, place_key, time_zone, venue_at

RECORDED = Path(__file__).parents[2] / "shared" / "upstream"

FASTF1_PLACES = [
    ("Abu Dhabi", "Yas Island", "yas_marina"),
    ("United Arab Emirates", "Yas Island", "yas_marina"),
    ("United Arab Emirates", "Yas Marina", "yas_marina"),
    ("Australia", "Melbourne", "albert_park"),
    ("Austria", "Spielberg", "red_bull_ring"),
    ("Azerbaijan", "Baku", "baku"),
    ("Bahrain", "Bahrain", "bahrain"),
    ("Bahrain", "Sakhir", "bahrain"),
    ("Belgium", "Spa-Francorchamps", "spa"),
    ("Brazil", "São Paulo", "interlagos"),
    ("Canada", "Montréal", "villeneuve"),
    ("China", "Shanghai", "shanghai"),
    ("France", "Le Castellet", "ricard"),
    ("Germany", "Hockenheim", "hockenheimring"),
    ("Germany", "Nürburgring", "nurburgring"),
    ("Great Britain", "Silverstone", "silverstone"),
    ("United Kingdom", "Silverstone", "silverstone"),
    ("Hungary", "Budapest", "hungaroring"),
    ("Italy", "Imola", "imola"),
    ("Italy", "Monza", "monza"),
    ("Italy", "Mugello", "mugello"),
    ("Japan", "Suzuka", "suzuka"),
    ("Mexico", "Mexico City", "rodriguez"),
    ("Monaco", "Monaco", "monaco"),
    ("Monaco", "Monte Carlo", "monaco"),
    ("Netherlands", "Zandvoort", "zandvoort"),
    ("Portugal", "Portimão", "portimao"),
    ("Qatar", "Lusail", "losail"),
    ("Russia", "Sochi", "sochi"),
    ("Saudi Arabia", "Jeddah", "jeddah"),
    ("Singapore", "Marina Bay", "marina_bay"),
    ("Singapore", "Singapore", "marina_bay"),
    ("Spain", "Barcelona", "catalunya"),
    ("Spain", "Spain", "catalunya"),
    ("Spain", "Madrid", "madring"),
    ("Turkey", "Istanbul", "istanbul"),
    ("United States", "Austin", "americas"),
    ("United States", "Las Vegas", "vegas"),
    ("United States", "Miami", "miami"),
    ("United States", "Miami Gardens", "miami"),
]


def test_every_circuit_has_a_zone_that_loads() -> None:
    assert len(VENUES) == 78
    for circuit_id, venue in VENUES.items():
        assert time_zone(circuit_id) == ZoneInfo(venue.time_zone)


def test_an_unknown_circuit_has_no_zone() -> None:
    assert time_zone("nowhere") is None
    assert time_zone(None) is None


def test_every_place_belongs_to_one_circuit_and_finds_it() -> None:
    for circuit_id, venue in VENUES.items():
        assert venue.places, circuit_id
        for place in venue.places:
            # If two circuits had the same place, one would be found for the other.
            assert venue_at(venue.country, place) == circuit_id, place


def test_countries_of_venues_are_never_aliases() -> None:
    countries = {venue.country for venue in VENUES.values()}
    assert countries.isdisjoint(COUNTRY_ALIASES)
    assert countries.issuperset(COUNTRY_ALIASES.values())


@pytest.mark.parametrize(("country", "locality", "circuit_id"), FASTF1_PLACES)
def test_fastf1s_names_find_the_circuit(country: str, locality: str, circuit_id: str) -> None:
    assert venue_at(country, locality) == circuit_id
    assert place_key(country, locality) == circuit_id


@pytest.mark.skipif(not RECORDED.is_dir(), reason="../shared/upstream is not here")
def test_jolpicas_circuits_are_known_and_found_by_name() -> None:
    seen: Counter[str] = Counter()
    for path in sorted(RECORDED.glob("ergast/*/races.json")):
        for race in json.loads(path.read_text(encoding="utf-8")):
            circuit = race["Circuit"]
            place = circuit["Location"]
            assert circuit["circuitId"] in VENUES
            assert venue_at(place["country"], place["locality"]) == circuit["circuitId"]
            seen[circuit["circuitId"]] += 1
    assert len(seen) >= 30


@pytest.mark.skipif(not RECORDED.is_dir(), reason="../shared/upstream is not here")
def test_every_recorded_fastf1_place_is_known() -> None:
    places: set[tuple[str, str]] = set()
    for path in sorted(RECORDED.glob("schedule/schedule_*.json")):
        season = json.loads(path.read_text(encoding="utf-8"))
        places |= {(country, season["location"][row]) for row, country in season["country"].items()}
    assert len(places) >= 35
    assert [place for place in sorted(places) if venue_at(*place) is None] == []


def test_an_unknown_place_has_no_circuit_and_a_key_of_its_own() -> None:
    assert venue_at("Italy", "Vallelunga") is None
    # California has had two circuits, neither in use.
    assert venue_at("United States", "California") is None
    # A town's name in another country is another town.
    assert venue_at("Mexico", "Valencia") is None
    keys = {
        place_key("Italy", "Vallelunga"),
        place_key("Italy", "Misano"),
        place_key("Spain", "Vallelunga"),
        place_key("Italy", "Monza"),
    }
    assert len(keys) == 4


def test_spelling_makes_no_difference() -> None:
    assert venue_at("BRAZIL", "sao paulo") == "interlagos"
    assert venue_at("Monaco", "Monte-Carlo") == "monaco"
    assert venue_at("Türkiye", "İstanbul") == "istanbul"
    assert place_key("UK", "Brooklands") == place_key("Great Britain", " brooklands ")
    assert country_key("UK") == country_key("Great Britain") == country_key("United Kingdom")
    assert country_key("USA") == country_key("United States") != country_key("UK")
    assert country_key("UAE") == country_key("United Arab Emirates") == country_key("Abu Dhabi")
    assert country_key("Korea") == country_key("South Korea")


@pytest.mark.parametrize(
    ("circuit_id", "day", "hours"),
    [
        # Clocks changed that night: FastF1's one offset per event is wrong on one side of it.
        ("rodriguez", "2022-10-29", -5),
        ("rodriguez", "2022-10-30", -6),
        ("albert_park", "2023-04-01", 11),
        ("albert_park", "2023-04-02", 10),
        ("vegas", "2023-11-18", -8),
        # Rules of that time: British Standard Time, Indiana without summer time, Moscow on UTC+4.
        ("silverstone", "1970-07-18", 1),
        ("indianapolis", "2004-06-20", -5),
        ("sochi", "2014-10-12", 4),
        ("sochi", "2015-10-11", 3),
    ],
)
def test_utc_offsets_at_noon(circuit_id: str, day: str, hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=time_zone(circuit_id))
    assert noon.utcoffset() == timedelta(hours=hours)
