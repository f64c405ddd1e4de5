"""From which address a request comes, when proxies of our own stand in front."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the address of the sender as our outermost proxy saw it.

    Each proxy of ours adds one entry at the right end of X-Forwarded-For; what stands further left was written
    by the sender and is not believed. Without proxies (PROXY_COUNT=0) the header counts for nothing.
    """
    seen = str(request.META.get("REMOTE_ADDR", ""))
    count = settings.PROXY_COUNT
    if count > 0:
        entries = [word.strip() for word in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if word.strip()]
        seen = entries[-min(count, len(entries))] if entries else seen
    try:
        address = ipaddress.ip_address(seen)
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - a name for "unknown", nothing binds to it
    if isinstance(address, ipaddress.IPv6Address):
        return _shared_prefix(address)
    return str(address)


def coarse(address: str) -> str:
    """Return the network that an address of `client_address` lies in: enough to notice a stranger's, not a desk."""
    bits = 24 if ipaddress.ip_address(address).version == 4 else 48
    return str(ipaddress.ip_network((address, bits), strict=False))


def _shared_prefix(address: ipaddress.IPv6Address) -> str:
    # One household or office owns a whole /64 and could use a fresh address for each try.
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)
