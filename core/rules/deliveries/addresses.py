"""Which addresses are public. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: the last 32 bits are the IPv4 address that is reached."""


def is_public(address: str) -> bool:
    """Whether a socket's address, with or without a zone, is reached over the public Internet by unicast."""
    found = _reached(ip_address(address.partition("%")[0]))
    return found.is_global and not found.is_multicast


def _reached(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv6 address, if there is one."""
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
