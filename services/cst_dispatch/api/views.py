"""Who has what to do, who has how much, and where nobody is."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
