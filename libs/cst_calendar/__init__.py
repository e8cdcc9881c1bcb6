"""Pure reckoning of time by a calendar: around the clock, civil days, or opening hours."""

from cst_calendar.calendars import Calendar
from cst_calendar.promises import Pause, due, used
from cst_calendar.terms import calendar_of

__all__ = ["Calendar", "Pause", "calendar_of", "due", "used"]
