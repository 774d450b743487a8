"""A relay's figures among the metrics of its process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from connectors.shared.health import Health
from connectors.shared.relay import Mode, Relay
from ioc.metrics import PROCESS, Meters, processes
from ioc.metrics.meters import tell_of_process
from ioc.metrics.port import Port
from ioc.settings import Settings


def tell_of_relay(meters: Meters, relay: Relay) -> None:
    """Let meters read the relay whenever somebody asks them."""
    meters.watch(processes.RELAY_EVENTS, lambda: _events(relay))
    meters.watch(processes.RELAY_SPOOLED, lambda: [((relay.name,), relay.state.spooled_events)])
    meters.watch(processes.RELAY_BYTES, lambda: [((relay.name,), relay.state.spooled_bytes)])


def _events(relay: Relay) -> Iterator[tuple[tuple[str, ...], float]]:
    state = relay.state
    for fate in ("taken", "acknowledged", "spooled", "forwarded", "failed", "refused"):
        yield (relay.name, fate), getattr(state, fate)


@contextmanager
def showing(settings: Settings, relay: Relay, health: Sequence[Health]) -> Iterator[None]:
    """Show a connector's figures and health at ``IOC_METRICS_PORT`` meanwhile; it needs no database for it."""
    tell_of_process(PROCESS)
    tell_of_relay(PROCESS, relay)

    def how() -> tuple[list[str], list[str]]:
        state = relay.state
        down = [state.reason or "the spool is full"] if state.mode is Mode.FULL else []
        failing = [
            f"{name}: {one.reason or 'it fails'}" for kind in health for name, one in kind.failing.items()
        ]
        spooling = [state.reason or "Kafka is away"] if state.mode not in {Mode.FULL, Mode.DIRECT} else []
        return down, [*spooling, *failing[:50]]

    port = Port(settings, PROCESS, how)
    try:
        yield
    finally:
        port.close()
