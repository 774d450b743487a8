"""``policies.toml`` and ``channels.toml``: whom an alert calls, when, and on which ways."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from ioc.alerts.model import Channel, Policy, QuietHours, Severity, Step, Target
from ioc.district.problems import Problems
from ioc.district.secrets import HOW, is_reference
from ioc.district.toml_blocks import Lost, read_blocks
from ioc.district.toml_values import Values

POLICIES: Final = "policies.toml"
CHANNELS: Final = "channels.toml"
DRIVERS: Final = ("apprise", "telegram", "webhook", "siren", "echo")
#: Drivers that reach a room, or the platform itself, and no person: they need no address.
OF_NOBODY: Final = ("siren", "echo")
POLICY_KEYS: Final = ("code", "name_vi", "name_en", "step", "repeat", "fallback", "ack_for")
CHANNEL_KEYS: Final = (
    "code",
    "driver",
    "secret",
    "least",
    "bundle",
    "most_per_hour",
    "timeout",
    "attempts",
    "quiet",
)
_TARGET: Final = ("roster", "layer", "person", "channel")
_MOST_STEPS: Final = 20
_MOST: Final = 100


def read_policies(folder: Path, problems: Problems, lost: Lost) -> list[Policy]:
    """Read ``policies.toml``; a policy with a mistake is left out."""
    found: list[Policy] = []
    lines: dict[str, int] = {}
    for block in _blocks(folder, POLICIES, "policy", problems, lost):
        policy = _policy(block)
        _once(block, policy.code, lines)
        if block.bad:
            lost.add(policy.code)
        else:
            found.append(policy)
    return found


def read_channels(folder: Path, problems: Problems, lost: Lost) -> list[Channel]:
    """Read ``channels.toml``; a channel with a mistake is left out."""
    found: list[Channel] = []
    lines: dict[str, int] = {}
    for block in _blocks(folder, CHANNELS, "channel", problems, lost):
        channel = _channel(block)
        _once(block, channel.code, lines)
        if block.bad:
            lost.add(channel.code)
        else:
            found.append(channel)
    return found


def _blocks(folder: Path, name: str, table: str, problems: Problems, lost: Lost) -> list[Values]:
    if not (folder / name).exists():
        return []
    blocks = list(read_blocks(folder / name, name, table, problems, lost))
    if len(blocks) > _MOST:
        problems.error(
            name, blocks[_MOST].line, f"More than {_MOST} of [[{table}]]: those from here on are left out."
        )
        lost.all = True
    return blocks[:_MOST]


def _once(block: Values, code: str, lines: dict[str, int]) -> None:
    if code and code in lines:
        block.error("code", f"the code stands on line {lines[code]} too.", "Give one another code.")
    lines.setdefault(code, block.line)


def _policy(block: Values) -> Policy:
    code = block.code("code")
    block.whose = code or ""
    block.known(POLICY_KEYS)
    steps = tuple(_step(part) for part in block.parts_of("step", most=_MOST_STEPS))
    if not steps and not block.bad:
        block.error(
            "step",
            "The policy has no step: it would call nobody.",
            "Write [[policy.step]] with call = [ … ].",
        )
    return Policy(
        code=code or "",
        name_vi=block.text("name_vi", longest=100),
        name_en=block.text("name_en", longest=100),
        steps=steps,
        repeat=block.whole("repeat", 0, 100, 0) or 0,
        fallback=tuple(_target(part) for part in block.parts_of("fallback", most=_MOST_STEPS)),
        ack_for=block.duration("ack_for", low=timedelta(minutes=1), high=timedelta(days=30)),
        line=block.line,
    )


def _step(part: Values) -> Step:
    part.known(("after", "call"))
    targets = tuple(_target(inner) for inner in part.parts_of("call", most=_MOST_STEPS))
    if not targets and not part.bad:
        part.error("call", "The step calls nobody.", 'Such as call = [{ roster = "truc-ioc" }].')
    return Step(part.duration("after", high=timedelta(days=7)) or timedelta(0), targets)


def _target(part: Values) -> Target:
    part.known(_TARGET)
    found = Target(*(part.code(key, required=False) for key in _TARGET))
    named = [key for key in ("roster", "person", "channel") if part.has(key)]
    if part.has("layer") and not part.has("roster"):
        part.error("layer", "A layer is of a roster.", "Name the roster too.")
    elif len(named) != 1 and not part.bad:
        what = f"{' and '.join(named)} are both given." if named else "It names nobody."
        part.error(named[0] if named else "call", what, "Give one of roster, person, channel.")
    return found


def _channel(block: Values) -> Channel:
    code = block.code("code")
    block.whose = code or ""
    block.known(CHANNEL_KEYS)
    driver = block.word("driver", DRIVERS)
    base = Channel(code or "", driver)
    unlimited = block.table.get("most_per_hour") == 0 and not isinstance(
        block.table.get("most_per_hour"), bool
    )
    return Channel(
        code=base.code,
        driver=driver,
        secret=_secret(block, driver),
        least=block.severity("least", Severity.INFO),
        bundle=_or(block.duration("bundle", high=timedelta(hours=1)), base.bundle),
        most_per_hour=None if unlimited else block.whole("most_per_hour", 0, 10_000, base.most_per_hour),
        timeout=_or(
            block.duration("timeout", low=timedelta(seconds=1), high=timedelta(minutes=2)), base.timeout
        ),
        attempts=block.whole("attempts", 1, 50, base.attempts) or base.attempts,
        quiet=_quiet(block),
        line=block.line,
    )


def _secret(block: Values, driver: str) -> str:
    found: object = block.table.get("secret", "")
    if not isinstance(found, str) or (found and not is_reference(found)):
        # what stands there may be the secret itself: it is never repeated
        block.error("secret", "secret is no reference.", HOW)
        return ""
    if not found and driver not in OF_NOBODY:
        block.error("secret", f"A channel of driver {driver} needs a secret: its address or token.", HOW)
    if found and driver in OF_NOBODY:
        block.error("secret", f"A channel of driver {driver} has no secret.", "Leave the key out.")
    return found


def _quiet(block: Values) -> QuietHours | None:
    part = block.part_of("quiet")
    if part is None:
        return None
    part.known(("from", "to", "below"))
    start, end, below = part.clock("from"), part.clock("to"), part.severity("below", Severity.CRITICAL)
    if start == end and not part.bad:
        part.error("to", "Quiet hours end when they begin.", "Leave quiet out, or set least.")
    return QuietHours(start, end, below)


def _or(found: timedelta | None, default: timedelta) -> timedelta:
    return default if found is None else found
