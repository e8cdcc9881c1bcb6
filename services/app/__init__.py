"""The whole system in one place: every service listed, and one ASGI app with all their routes."""
