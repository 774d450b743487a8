"""``events.md`` and ``schemas/*.json``: the facts, from the types that decode them."""

from __future__ import annotations

import json
import typing
from typing import Any, Final

import msgspec

from ioc import topics
from ioc.docs.markdown import code, document, table
from ioc.events import TOPIC_TYPES, Event

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_KEYS: Final = {
    topics.DOSSIERS: "dossier code",
    topics.QUEUES: "kiosk",
    topics.CAMERAS: "device id",
    topics.WIFI: "device id",
    topics.CONNECTORS: "connector",
}


def types() -> dict[str, tuple[str, type[Event]]]:
    """Return each event type's name with its topic and struct, in the topics' order."""
    return {
        str(struct.__struct_config__.tag): (topic, struct)
        for topic, union in TOPIC_TYPES.items()
        for struct in (typing.get_args(union) or (union,))
    }


def schemas() -> dict[str, str]:
    """Return a JSON Schema for each event type, by file name."""
    found = {}
    for name, (_, struct) in types().items():
        schema = {"$schema": _DIALECT, "$id": f"urn:{name.replace('.', ':')}", **msgspec.json.schema(struct)}
        found[f"{name}.json"] = json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    return found


def page() -> str:
    """Return the page."""
    intro = (
        "Facts are CloudEvents 1.0 in structured JSON, one a record. `time` is when the fact happened, `id` the "
        "same whenever the same fact is sent again. Every type has a JSON Schema beside this page, in `schemas/`."
    )
    overview = table(
        ("type", "topic", "Kafka key", "schema"),
        (
            (code(name), code(topic), _KEYS[topic], f"[schema](schemas/{name}.json)")
            for name, (topic, _) in types().items()
        ),
    )
    return document("Events", intro, overview, _envelope(), *_payloads())


def _envelope() -> str:
    schema = msgspec.json.schema(next(iter(types().values()))[1])
    definitions = schema["$defs"]
    own = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    rows = _rows(
        {**own, "properties": {k: v for k, v in own["properties"].items() if k != "data"}}, definitions
    )
    rows = [("`type`", "one of the above", "yes"), *(row for row in rows if row[0] != "`type`")]
    return "## What every event has\n\n" + table(("attribute", "type", "needed"), rows)


def _payloads() -> list[str]:
    by_payload: dict[str, list[str]] = {}
    definitions: dict[str, Any] = {}
    for name, (_, struct) in types().items():
        schema = msgspec.json.schema(struct)
        definitions.update(schema["$defs"])
        data = schema["$defs"][struct.__name__]["properties"]["data"]["$ref"].rsplit("/", 1)[-1]
        by_payload.setdefault(data, []).append(name)
    parts = []
    for payload, names in by_payload.items():
        found = definitions[payload]
        heading = f"## Data: {payload}\n\n{' '.join(found.get('description', '').split())}"
        carried = "Carried by " + ", ".join(code(name) for name in names) + "."
        parts.append(
            f"{heading}\n\n{carried}\n\n" + table(("field", "type", "needed"), _rows(found, definitions))
        )
    return parts


def _rows(schema: dict[str, Any], definitions: dict[str, Any]) -> list[tuple[str, str, str]]:
    needed = set(schema.get("required", ()))
    return [
        (code(name), _kind(field, definitions), "yes" if name in needed else "")
        for name, field in schema["properties"].items()
    ]


def _kind(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        found = definitions[name]
        return " or ".join(code(str(value)) for value in found["enum"]) if "enum" in found else name
    if "anyOf" in schema:
        return " or ".join(
            _kind(option, definitions) for option in schema["anyOf"] if option.get("type") != "null"
        )
    if "enum" in schema:
        return " or ".join(code(str(value)) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), definitions)}"
    return str(schema.get("format") or schema.get("type", "any")) + _limits(schema)


def _limits(schema: dict[str, Any]) -> str:
    words = {
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "to {}",
        "pattern": "like `{}`",
    }
    said = [text.format(schema[name]) for name, text in words.items() if name in schema]
    return f" ({', '.join(said)})" if said else ""
