"""``POST /ingest/v1/tickets``: the plain JSON of queue kiosks, for machines that know no CloudEvents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from connectors.ingest.body import decoded
from connectors.ingest.cloudevents import Rejected, RejectedEventsError
from connectors.ingest.events import EventIntake, Handed
from connectors.queues.reading import TicketReader
from ioc.access.keys import Key
from ioc.api.ingest_openapi import TICKETS

router = APIRouter(tags=["ingest"])


@dataclass
class TicketIntake(EventIntake):
    """Takes tickets for the relay. What can't be read is named in the answer and costs no other ticket.

    :param reader: without a source of its own; the key's is used where the key is for one only.
    """

    reader: TicketReader = field(kw_only=True)

    def hand_over(self, request: Request, key: Key, body: bytes) -> Handed:
        """Read a body of one object, an array of them, or one a line.

        :raises RejectedEventsError: when none can be read, naming each.
        :raises InputError: when the body as a whole can't be read.
        """
        text = decoded(body, request.headers.get("content-encoding", ""), self.limits.bytes_)
        only = next(iter(key.sources)) if key.sources is not None and len(key.sources) == 1 else None
        reading = self.reader.read_many(text, datetime.now(UTC), source=only)
        rejected = tuple(Rejected(fault.index, fault.reason) for fault in reading.faults)
        if rejected and not reading.events:
            raise RejectedEventsError(rejected)
        return self.give(key, reading.events, rejected)


@TICKETS.served_by(router)
async def tickets(request: Request) -> Response:
    intake: TicketIntake = request.app.state.tickets
    return await intake.take(request)
