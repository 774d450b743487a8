"""Centre frequencies of wifi channels."""

from __future__ import annotations


def centre_mhz(channel: int | None, band: float | None = None) -> int | None:
    """Centre frequency of a 20 MHz channel in MHz; None where channel and band do not tell.

    IEEE 802.11: 2407 + 5 n (1 to 13), 2484 (14), 5000 + 5 n (36 to 177); in the 6 GHz band 5950 + 5 n (1 to 233),
    5935 (2). Channels of the 6 GHz band share numbers with both others: without a band, those that only exist there are
    not guessed.

    :param band: 2.4, 5 or 6 (GHz), when it is known.
    """
    if channel is None:
        return None
    if band == 6:
        if channel == 2:
            return 5935
        return 5950 + 5 * channel if 1 <= channel <= 233 and channel % 4 == 1 else None
    if 1 <= channel <= 14 and band in (None, 2.4):
        return 2484 if channel == 14 else 2407 + 5 * channel
    five = 36 <= channel <= 64 and channel % 4 == 0
    upper = (100 <= channel <= 144 and channel % 4 == 0) or (149 <= channel <= 177 and channel % 4 == 1)
    return 5000 + 5 * channel if (five or upper) and band in (None, 5) else None
