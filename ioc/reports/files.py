"""A report as a file: PDF by Typst, XLSX by XlsxWriter."""

from __future__ import annotations

import io
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from ioc.reports.pages import RIGHT, Grid, Pages
from ioc.reports.words import WORDS, Language

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet


class _Styles:
    """How cells look; one format a pattern."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self.bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self.big = book.add_format({"bold": True, "font_size": 14})
        self.plain = book.add_format({"text_wrap": True, "valign": "top"})
        self.right = book.add_format({"align": "right", "valign": "top"})
        self._numbers: dict[str, Format] = {}

    def of(self, pattern: str) -> Format:
        """The format of figures that are shown so."""
        if pattern not in self._numbers:
            self._numbers[pattern] = self._book.add_format(
                {"num_format": pattern, "align": "right", "valign": "top"}
            )
        return self._numbers[pattern]


def pdf(pages: Pages) -> bytes:
    """Set a report on A4 pages."""
    import typst

    template = (resources.files("ioc.reports") / "report.typ").read_bytes()
    found = typst.compile(template, sys_inputs={"report": msgspec.json.encode(pages).decode()})
    if not isinstance(found, bytes):
        raise TypeError("typst gave pages and no document")
    return found


def workbook(pages: Pages) -> bytes:
    """Write a report as sheets, one a section, with the same words as on paper."""
    import xlsxwriter

    target = io.BytesIO()
    book = xlsxwriter.Workbook(
        target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    styles = _Styles(book)
    for section in pages.sections:
        sheet: Worksheet = book.add_worksheet(WORDS[Language(pages.language)][f"sheet.{section.name}"])
        sheet.write_string(0, 0, f"{pages.title} - {pages.unit}", styles.big)
        sheet.write_string(1, 0, pages.made)
        sheet.write_string(2, 0, section.heading, styles.bold)
        row = 3
        for line in section.lines:
            sheet.write_string(row, 0, line)
            row += 1
        if section.grid is None:
            continue
        _write(sheet, row + 1, section.grid, styles)
        sheet.freeze_panes(row + 2, 0)
    book.close()
    return target.getvalue()


def _write(sheet: Worksheet, row: int, grid: Grid, styles: _Styles) -> None:
    for column, (head, width) in enumerate(zip(grid.heads, grid.widths, strict=True)):
        sheet.set_column(column, column, 9 * width)
        sheet.write_string(row, column, head, styles.bold)
    for number, cells in enumerate(grid.rows, start=row + 1):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(
                    number, column, cell, styles.right if grid.aligned[column] == RIGHT else styles.plain
                )
            elif cell.number is None:
                sheet.write_string(number, column, cell.text, styles.right)
            else:
                sheet.write_number(number, column, cell.number, styles.of(cell.pattern))
