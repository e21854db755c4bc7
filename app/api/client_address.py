"""Which address a request comes from, and what each address may still send."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from app.api.calls import Call
from app.api.rates import Bucket, Rate
from app.settings import listed

Address = IPv4Address | IPv6Address
UNKNOWN = "unknown"
IPV6_PREFIX = 64
"""One network of a subscriber, who may take any address in it."""
MAX_HOPS = 20
MAX_ADDRESSES = 10_000
FORGOTTEN_AT_ONCE = 1000


class ClientAddresses:
    """Believes X-Forwarded-For as far as trusted proxies have written it, from the last one on."""

    def __init__(self, trusted: str) -> None:
        self._trusted = [ip_network(network, strict=False) for network in listed(trusted)]

    def of(self, call: Call) -> str:
        """The client's address, of IPv6 its network; `unknown` where the server does not tell."""
        client = call.scope.get("client")
        address = _parsed(client[0]) if client else None
        if address is None:
            return UNKNOWN
        if self._trusted:
            for hop in self._hops(call):
                if not self._trusts(address):
                    break
                address = hop
        if isinstance(address, IPv6Address):
            return str(IPv6Network((address, IPV6_PREFIX), strict=False))
        return str(address)

    def _hops(self, call: Call) -> Iterator[Address]:
        """The addresses that proxies have written, the nearest first; ends at what is no address."""
        written = call.headers.get(b"x-forwarded-for", b"").decode("latin-1")
        for part in reversed(written.rsplit(",", MAX_HOPS)):
            address = _parsed(part)
            if address is None:
                return
            yield address

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _parsed(text: str) -> Address | None:
    """An address, perhaps with a port; IPv4 in IPv6's clothes as IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class AddressRates:
    """One bucket for each address that has sent lately, at most MAX_ADDRESSES of them."""

    def __init__(self, rate: Rate, addresses: ClientAddresses) -> None:
        self._rate = rate
        self._addresses = addresses
        self._buckets: dict[str, Bucket] = {}

    def bucket(self, call: Call) -> Bucket:
        """What is left to the address that `call` comes from."""
        address = self._addresses.of(call)
        bucket = self._buckets.get(address)
        if bucket is None:
            if len(self._buckets) >= MAX_ADDRESSES:
                self._make_room()
            bucket = self._buckets[address] = Bucket(self._rate)
        return bucket

    def _make_room(self) -> None:
        """Forgets full buckets, which loses nothing; else the oldest."""
        self._buckets = {address: bucket for address, bucket in self._buckets.items() if not bucket.full}
        for address in list(self._buckets)[: len(self._buckets) - MAX_ADDRESSES + FORGOTTEN_AT_ONCE]:
            del self._buckets[address]
