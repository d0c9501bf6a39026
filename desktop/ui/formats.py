"""Numbers, sizes, dates and durations as the language in use writes them.

Invariant: every figure a person reads comes from here, so that all of them follow the language. No text is translated
here beyond the few units that Qt's locale does not know, and nothing is parsed.
"""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale

from desktop.ui.translation import _, locale


def number(value: float, decimals: int = 0) -> str:
    """12345.6 → "12,345.6" in English, "12.345,6" in Italian."""
    return locale().toString(round(value)) if decimals == 0 else locale().toString(float(value), "f", decimals)


def size(octets: int) -> str:
    """Bytes in decimal units, as file managers and download pages give them: "4.4 GB"."""
    return locale().formattedDataSize(octets, 0 if octets < 1_000_000 else 1, QLocale.DataSizeFormat.DataSizeSIFormat)


def date(unix: float) -> str:
    """The day, in words."""
    return locale().toString(QDateTime.fromSecsSinceEpoch(int(unix)).date(), QLocale.FormatType.LongFormat)


def month(unix: float) -> str:
    """The month and the year, in words: where the day does not matter."""
    day = QDateTime.fromSecsSinceEpoch(int(unix)).date()
    return _("{month} {year}", month=locale().standaloneMonthName(day.month()), year=str(day.year()))


def clock(unix: float) -> str:
    """The time of day."""
    return locale().toString(QDateTime.fromSecsSinceEpoch(int(unix)).time(), QLocale.FormatType.ShortFormat)


def moment(unix: float) -> str:
    """Day and time of day."""
    return locale().toString(QDateTime.fromSecsSinceEpoch(int(unix)), QLocale.FormatType.ShortFormat)


def percent(part: float) -> str:
    """0.42 → "42 %", or "42%" where the language writes it so."""
    return _("{percent} %", percent=number(part * 100))


def gain(part: float) -> str:
    """ "+12 %", or "×2.5" of what is more than twice as much."""
    if part > 1:
        return f"×{number(part + 1, 1)}"
    return f"{'−' if part < 0 else '+'}{percent(abs(part))}"


def brief(seconds: float) -> str:
    """A time that is measured: 0.0031 → "3.1 ms", 0.0534 → "53 ms", 2.345 → "2.35 s", 75 → "1 min 15 s"."""
    if seconds < 1:
        return _("{milliseconds} ms", milliseconds=number(seconds * 1000, 1 if seconds < 0.01 else 0))
    return _("{seconds} s", seconds=number(seconds, 2)) if seconds < 10 else duration(seconds)


def duration(seconds: float) -> str:
    """0.42 → "0.4 s", 75 → "1 min 15 s", 4000 → "1 h 7 min"."""
    if seconds < 10:
        return _("{seconds} s", seconds=number(seconds, 1))
    whole = round(seconds)
    if whole < 60:
        return _("{seconds} s", seconds=number(whole))
    if whole < 3600:
        return _("{minutes} min {seconds} s", minutes=number(whole // 60), seconds=number(whole % 60))
    return _("{hours} h {minutes} min", hours=number(whole // 3600), minutes=number(whole % 3600 // 60))
