"""XML from outside as a stream of tags and text: no document type, no entities, nothing that grows without bound.

Expat itself, since the usual wrappers build trees and gather a tag or text of any length before anyone can object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol
from xml.parsers import expat

_CHUNK: Final = 65_536
_MOST_TOKEN: Final = 1024 * 1024
"""Longest tag, comment or instruction, and longest text between two tags, in bytes or characters."""
_MOST_DEPTH: Final = 100


class XmlRefused(Exception):  # noqa: N818 (caught by the readers, never seen outside)
    """This XML is not taken; the text says why and in which line, without any of its content."""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def parse(
    stream: Readable,
    start: Callable[[str, dict[str, str], int], None],
    end: Callable[[str, str], None],
) -> Iterator[None]:
    """Parse a stream; gives way after each piece of it, so that the caller can pass on what was found.

    :param start: told each tag with its local name, attributes by local name, and line.
    :param end: told each closing tag with its local name and the text that stood before it since the last tag.
    :raises XmlRefused: for XML that is malformed, has a document type or entities, or passes a bound.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    text: list[str] = []
    length = depth = 0

    def on_start(name: str, attributes: dict[str, str]) -> None:
        nonlocal length, depth
        depth += 1
        if depth > _MOST_DEPTH:
            raise XmlRefused(f"tags nested more than {_MOST_DEPTH} deep in line {parser.CurrentLineNumber}")
        text.clear()
        length = 0
        own = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        start(name.rpartition(" ")[2], own, parser.CurrentLineNumber)

    def on_end(name: str) -> None:
        nonlocal length, depth
        depth -= 1
        end(name.rpartition(" ")[2], "".join(text))
        text.clear()
        length = 0

    def on_text(piece: str) -> None:
        nonlocal length
        length += len(piece)
        if length > _MOST_TOKEN:
            raise XmlRefused(
                f"a text of more than {_MOST_TOKEN} characters in line {parser.CurrentLineNumber}"
            )
        text.append(piece)

    def refuse(*_: Any) -> int:
        raise XmlRefused(
            f"a document type or entities (line {parser.CurrentLineNumber}), which are not taken"
        )

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.CharacterDataHandler = on_text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    fed = 0
    try:
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
            fed += len(chunk)
            # what expat has taken in and not yet told is the beginning of an unfinished token
            if fed - max(parser.CurrentByteIndex, 0) > _MOST_TOKEN + _CHUNK:
                raise XmlRefused(f"a tag of more than {_MOST_TOKEN} bytes in line {parser.CurrentLineNumber}")
            yield
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise XmlRefused(
            f"not well-formed XML: {expat.errors.messages.get(error.code, 'error')} in line {error.lineno}"
        ) from None
    except (UnicodeError, LookupError, ValueError) as error:
        raise XmlRefused(f"XML that can't be decoded ({error.__class__.__name__})") from None
    yield
