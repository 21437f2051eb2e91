"""Every circuit of the Formula 1 World Championship since 1950: its time zone and the names of its place.

The ids are Ergast's, which Jolpica continues. Countries, localities and IANA zones are common knowledge. They are
written here because no upstream serves a circuit's time zone: FastF1 gives one UTC offset per event, which is wrong
when clocks change that weekend.

Prefer the circuit id to a place's name: Madrid has had two circuits and Barcelona three, and their names mean the one
now in use.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Venue:
    """A circuit's location.

    `time_zone` is an IANA name, `country` is in our spelling, see COUNTRY_ALIASES. `places` are its localities: those
    that upstream has named, and its town if upstream names a whole region. A place shared with an older circuit belongs
    to the one in present use, so no place has two venues.
    """

    time_zone: str
    country: str
    places: tuple[str, ...]


COUNTRY_ALIASES: Final[Mapping[str, str]] = {
    "Abu Dhabi": "United Arab Emirates",
    "England": "United Kingdom",
    "Great Britain": "United Kingdom",
    "Holland": "Netherlands",
    "Korea": "South Korea",
    "Republic of Korea": "South Korea",
    "Russian Federation": "Russia",
    "Türkiye": "Turkey",
    "UAE": "United Arab Emirates",
    "UK": "United Kingdom",
    "United States of America": "United States",
    "US": "United States",
    "USA": "United States",
}
"""Our spelling of a country, by other spellings."""

# California is left out: Ergast puts both Long Beach and Riverside there, and neither is in use.
VENUES: Final[Mapping[str, Venue]] = {
    "adelaide": Venue("Australia/Adelaide", "Australia", ("Adelaide",)),
    "ain-diab": Venue("Africa/Casablanca", "Morocco", ("Casablanca",)),
    "aintree": Venue("Europe/London", "United Kingdom", ("Liverpool", "Aintree")),
    "albert_park": Venue("Australia/Melbourne", "Australia", ("Melbourne",)),
    "americas": Venue("America/Chicago", "United States", ("Austin",)),
    "anderstorp": Venue("Europe/Stockholm", "Sweden", ("Anderstorp",)),
    "avus": Venue("Europe/Berlin", "Germany", ("Berlin",)),
    "bahrain": Venue("Asia/Bahrain", "Bahrain", ("Sakhir", "Bahrain")),
    "baku": Venue("Asia/Baku", "Azerbaijan", ("Baku",)),
    "boavista": Venue("Europe/Lisbon", "Portugal", ("Oporto", "Porto")),
    "brands_hatch": Venue("Europe/London", "United Kingdom", ("Kent", "Brands Hatch")),
    "bremgarten": Venue("Europe/Zurich", "Switzerland", ("Bern",)),
    "buddh": Venue("Asia/Kolkata", "India", ("Uttar Pradesh", "Greater Noida")),
    "catalunya": Venue("Europe/Madrid", "Spain", ("Montmeló", "Barcelona", "Spain")),
    "charade": Venue("Europe/Paris", "France", ("Clermont-Ferrand",)),
    "dallas": Venue("America/Chicago", "United States", ("Dallas",)),
    "detroit": Venue("America/Detroit", "United States", ("Detroit",)),
    "dijon": Venue("Europe/Paris", "France", ("Dijon",)),
    "donington": Venue("Europe/London", "United Kingdom", ("Castle Donington",)),
    "essarts": Venue("Europe/Paris", "France", ("Rouen",)),
    "estoril": Venue("Europe/Lisbon", "Portugal", ("Estoril",)),
    "fuji": Venue("Asia/Tokyo", "Japan", ("Oyama",)),
    "galvez": Venue("America/Argentina/Buenos_Aires", "Argentina", ("Buenos Aires",)),
    "george": Venue("Africa/Johannesburg", "South Africa", ("Eastern Cape Province", "East London")),
    "hockenheimring": Venue("Europe/Berlin", "Germany", ("Hockenheim",)),
    "hungaroring": Venue("Europe/Budapest", "Hungary", ("Budapest",)),
    "imola": Venue("Europe/Rome", "Italy", ("Imola",)),
    "indianapolis": Venue("America/Indiana/Indianapolis", "United States", ("Indianapolis",)),
    "interlagos": Venue("America/Sao_Paulo", "Brazil", ("São Paulo",)),
    "istanbul": Venue("Europe/Istanbul", "Turkey", ("Istanbul",)),
    "jacarepagua": Venue("America/Sao_Paulo", "Brazil", ("Rio de Janeiro",)),
    "jarama": Venue("Europe/Madrid", "Spain", ("San Sebastián de los Reyes",)),
    "jeddah": Venue("Asia/Riyadh", "Saudi Arabia", ("Jeddah",)),
    "jerez": Venue("Europe/Madrid", "Spain", ("Jerez de la Frontera", "Jerez")),
    "kyalami": Venue("Africa/Johannesburg", "South Africa", ("Midrand",)),
    "las_vegas": Venue("America/Los_Angeles", "United States", ("Nevada",)),
    "lemans": Venue("Europe/Paris", "France", ("Le Mans",)),
    "long_beach": Venue("America/Los_Angeles", "United States", ("Long Beach",)),
    "losail": Venue("Asia/Qatar", "Qatar", ("Lusail", "Al Daayen")),
    "madring": Venue("Europe/Madrid", "Spain", ("Madrid",)),
    "magny_cours": Venue("Europe/Paris", "France", ("Magny Cours",)),
    "marina_bay": Venue("Asia/Singapore", "Singapore", ("Marina Bay", "Singapore")),
    "miami": Venue("America/New_York", "United States", ("Miami", "Miami Gardens")),
    "monaco": Venue("Europe/Monaco", "Monaco", ("Monte Carlo", "Monaco")),
    "monsanto": Venue("Europe/Lisbon", "Portugal", ("Lisbon",)),
    "montjuic": Venue("Europe/Madrid", "Spain", ("Montjuïc",)),
    "monza": Venue("Europe/Rome", "Italy", ("Monza",)),
    "mosport": Venue("America/Toronto", "Canada", ("Ontario", "Bowmanville")),
    "mugello": Venue("Europe/Rome", "Italy", ("Mugello",)),
    "nivelles": Venue("Europe/Brussels", "Belgium", ("Brussels", "Nivelles")),
    "nurburgring": Venue("Europe/Berlin", "Germany", ("Nürburg", "Nürburgring")),
    "okayama": Venue("Asia/Tokyo", "Japan", ("Okayama",)),
    "pedralbes": Venue("Europe/Madrid", "Spain", ("Pedralbes",)),
    "pescara": Venue("Europe/Rome", "Italy", ("Pescara",)),
    "phoenix": Venue("America/Phoenix", "United States", ("Phoenix",)),
    "portimao": Venue("Europe/Lisbon", "Portugal", ("Portimão",)),
    "red_bull_ring": Venue("Europe/Vienna", "Austria", ("Spielberg",)),
    "reims": Venue("Europe/Paris", "France", ("Reims",)),
    "ricard": Venue("Europe/Paris", "France", ("Le Castellet",)),
    "riverside": Venue("America/Los_Angeles", "United States", ("Riverside",)),
    "rodriguez": Venue("America/Mexico_City", "Mexico", ("Mexico City",)),
    "sebring": Venue("America/New_York", "United States", ("Florida", "Sebring")),
    "sepang": Venue("Asia/Kuala_Lumpur", "Malaysia", ("Kuala Lumpur", "Sepang")),
    "shanghai": Venue("Asia/Shanghai", "China", ("Shanghai",)),
    "silverstone": Venue("Europe/London", "United Kingdom", ("Silverstone",)),
    "sochi": Venue("Europe/Moscow", "Russia", ("Sochi",)),
    "spa": Venue("Europe/Brussels", "Belgium", ("Spa", "Spa-Francorchamps")),
    "suzuka": Venue("Asia/Tokyo", "Japan", ("Suzuka",)),
    "tremblant": Venue("America/Toronto", "Canada", ("Quebec", "Mont-Tremblant")),
    "valencia": Venue("Europe/Madrid", "Spain", ("Valencia",)),
    "vegas": Venue("America/Los_Angeles", "United States", ("Las Vegas",)),
    "villeneuve": Venue("America/Toronto", "Canada", ("Montreal",)),
    "watkins_glen": Venue("America/New_York", "United States", ("New York State", "Watkins Glen")),
    "yas_marina": Venue("Asia/Dubai", "United Arab Emirates", ("Abu Dhabi", "Yas Island", "Yas Marina")),
    "yeongam": Venue("Asia/Seoul", "South Korea", ("Yeongam County", "Yeongam")),
    "zandvoort": Venue("Europe/Amsterdam", "Netherlands", ("Zandvoort",)),
    "zeltweg": Venue("Europe/Vienna", "Austria", ("Styria", "Zeltweg")),
    "zolder": Venue("Europe/Brussels", "Belgium", ("Heusden-Zolder", "Zolder")),
}
"""The venues by circuit id."""


def country_key(name: str) -> str:
    """One key for all spellings of a country, such as "UK", "Great Britain" and "United Kingdom"."""
    folded = _fold(name)
    return _COUNTRY_KEYS.get(folded, folded)


def place_key(country: str, locality: str) -> str:
    """A key equal for names of one place: the circuit's id if known, otherwise folded names ("italy/vallelunga")."""
    return venue_at(country, locality) or "/".join(_place(country, locality))


def venue_at(country: str, locality: str) -> str | None:
    """The id of the circuit at a place (of several, the one now in use); None if no circuit is known there."""
    return _VENUE_BY_PLACE.get(_place(country, locality))


def time_zone(circuit_id: str | None) -> ZoneInfo | None:
    """The time zone of a circuit, None for an unknown circuit."""
    venue = VENUES.get(circuit_id) if circuit_id is not None else None
    return ZoneInfo(venue.time_zone) if venue is not None else None


@lru_cache(maxsize=4096)
def _fold(name: str) -> str:
    """A name without case, accents and punctuation: "Monte-Carlo" is "monte carlo"."""
    decomposed = unicodedata.normalize("NFKD", name)
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return re.sub(r"[\W_]+", " ", bare.casefold()).strip()


def _place(country: str, locality: str) -> tuple[str, str]:
    return country_key(country), _fold(locality)


_COUNTRY_KEYS: Final = {_fold(alias): _fold(name) for alias, name in COUNTRY_ALIASES.items()}
_VENUE_BY_PLACE: Final = {
    _place(venue.country, place): circuit_id for circuit_id, venue in VENUES.items() for place in venue.places
}
